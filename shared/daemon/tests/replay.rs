//! A trace reproduces the output of every input, byte for byte.

mod common;

use std::io::BufReader;

use annex_daemon::runtime::trace::replay;
use annex_service::{
    effect::{Effect, Lane},
    input::Input,
    store::Scan,
    turn::Turn,
};
use annex_stanza::{Kind, MessageType, Outgoing, Recipient};
use common::{DOMAIN, Script, Setup, TABLE, jid, settle};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

/// Uses everything that a machine may use: clocks, randomness, stamps, reads, writes, fetches.
fn busy() -> impl FnMut(Input, &mut Turn<'_>) + Send + 'static {
    let mut memory = 0_u64;
    move |input, turn| {
        memory = memory.wrapping_mul(31).wrapping_add(1);
        let stamp = turn.stamp();
        match input {
            Input::Stanza(stanza) if matches!(stanza.kind, Kind::Message(_)) => {
                let body = stanza.payload.text("jabber:client", "body").unwrap_or_default();
                let key = body.as_bytes().get(..1).unwrap_or(b"-").to_vec();
                let before = turn.get(TABLE, &key).expect("read");
                match body.len() % 4 {
                    0 => turn.delete(TABLE, key),
                    1 => turn.emit(Effect::Fetch { id: stamp, scan: Scan::all(TABLE) }),
                    _ => turn.put(TABLE, key, body.clone().into_bytes()),
                }
                let rows = turn.scan(Scan::all(TABLE).limit(3)).expect("read").rows.len();
                let text = format!(
                    "<body>{} {:?} {} {} {memory} {rows} {before:?}</body>",
                    turn.random(),
                    turn.since_start(),
                    turn.wall().0,
                    turn.token(),
                )
                .replace('"', "");
                let answer =
                    Outgoing::message(MessageType::Chat, &jid(DOMAIN)).payload(text.as_bytes());
                let audience = (0..3).map(|n| Recipient::from(&jid(&format!("u{n}@x")))).collect();
                turn.fanout(Lane(1), answer.template(), audience);
            }
            Input::Fetched { id, page } => {
                let text = format!("<body>{id} {}</body>", page.rows.len());
                let note =
                    Outgoing::message(MessageType::Chat, &jid(DOMAIN)).payload(text.as_bytes());
                turn.send(&note, &jid("a@x"));
            }
            Input::Refused { header, refusal } => {
                if let Some((error, to)) = header.refuse(&refusal, &jid(DOMAIN)) {
                    turn.send(&error, &to);
                }
            }
            Input::Online { confirmed } | Input::Confirmed(confirmed) => {
                turn.put(TABLE, *b"mark", confirmed.to_be_bytes().to_vec());
            }
            _ => {}
        }
    }
}

/// Runs a history with a trace; the trace.
fn traced(history: &[(String, bool)]) -> String {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("trace");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("runtime");
    runtime.block_on(async {
        let setup = Setup { trace: Some(path.clone()), ..Setup::default() };
        let mut running = setup.start(Script(busy()));
        let mut server = running.net.accept().await;
        for (number, (body, held)) in history.iter().enumerate() {
            if *held {
                running.memory.hold();
            } else {
                running.memory.release();
            }
            server.send(&common::message("a@x/r", DOMAIN, body)).await;
            if number % 5 == 4 {
                server.send("<iq from='a@x/r' to='rooms.example' type='get'/>").await;
                let pause = std::time::Duration::from_millis(150);
                let _ = tokio::time::timeout(pause, server.frame()).await;
            }
            settle().await;
            if number == 11 {
                drop(server);
                server = running.net.accept().await;
            }
        }
        running.memory.release();
        running.stop().await;
    });
    std::fs::read_to_string(path).expect("trace")
}

fn replayed(trace: &str) -> (u64, usize) {
    let mut machine = Script(busy());
    let replayed = replay(BufReader::new(trace.as_bytes()), &mut machine).expect("a sound trace");
    assert_eq!(replayed.differences, []);
    (replayed.inputs, trace.lines().count())
}

#[test]
fn a_random_history_replays_equal() {
    let mut runner = TestRunner::new(Config { cases: 24, ..Config::default() });
    let history = prop::collection::vec(("[a-d]{1,9}", any::<bool>()), 1..40);
    runner
        .run(&history, |history| {
            let (inputs, _) = replayed(&traced(&history));
            prop_assert!(inputs as usize > history.len());
            Ok(())
        })
        .expect("equal");
}

#[test]
fn a_machine_that_behaves_otherwise_is_found_out() {
    let trace = traced(&[("aa".into(), false), ("bbb".into(), true)]);
    let mut inner = busy();
    let mut other = Script(move |input: Input, turn: &mut Turn<'_>| {
        if matches!(input, Input::Stanza(_)) {
            turn.random();
        }
        inner(input, turn);
    });
    let replayed = replay(BufReader::new(trace.as_bytes()), &mut other).expect("a sound trace");
    assert_eq!(replayed.differences.len(), 2, "{:?}", replayed.differences);
}

#[test]
fn a_trace_has_mode_0600() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("trace");
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("runtime");
    runtime.block_on(async {
        Setup { trace: Some(path.clone()), ..Setup::default() }.start(Script(busy())).stop().await;
    });
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&path).expect("file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    assert!(!std::fs::read_to_string(&path).expect("text").contains(common::SECRET));
}
