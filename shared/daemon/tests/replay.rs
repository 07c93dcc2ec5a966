//! A trace reproduces the output of every input, byte for byte.

mod common;

use std::io::BufReader;

use annex_daemon::runtime::{Control, trace::replay};
use annex_service::{
    effect::{Effect, Lane, Response},
    input::Input,
    machine::Machine,
    store::{Scan, Table},
    turn::Turn,
};
use annex_stanza::{Kind, MessageType, Outgoing, Recipient};
use common::{DOMAIN, Script, Setup, TABLE, jid, settle};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

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
    let replayed =
        replay(BufReader::new(trace.as_bytes()), |_, _| Script(busy())).expect("a sound trace");
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
    let other = Script(move |input: Input, turn: &mut Turn<'_>| {
        if matches!(input, Input::Stanza(_)) {
            turn.random();
        }
        inner(input, turn);
    });
    let replayed = replay(BufReader::new(trace.as_bytes()), |_, _| other).expect("a sound trace");
    assert_eq!(replayed.differences.len(), 2, "{:?}", replayed.differences);
}

#[test]
fn a_trace_has_mode_0600() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("trace");
    std::fs::write(&path, "of old").expect("file");
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

/// A door with a password: kept as a record, set by a form, asked for with `<password/>`, and shown
/// to who sets it. Its first one is configured.
struct Door {
    section: Value,
}

impl Machine for Door {
    fn handle(&mut self, input: Input, turn: &mut Turn<'_>) {
        let kept = turn.get(TABLE, b"door").expect("read");
        let kept = kept.map(|kept| String::from_utf8(kept[1..].to_vec()).expect("text"));
        let configured = self.section["door_password"].as_str().expect("text").to_owned();
        let password = kept.unwrap_or(configured);
        match input {
            Input::Online { .. } => {
                turn.emit(Effect::Fetch { id: 1, scan: Scan::all(TABLE) });
            }
            Input::Fetched { page, .. } => {
                let rows: usize = page.rows.iter().map(|row| row.value.len()).sum();
                say(&format!("<body>{rows} bytes</body>"), turn);
            }
            Input::Config { section, .. } => self.section = section,
            Input::Command { token, arguments, .. } => {
                let right = arguments["password"] == *password;
                let answer = json!({ "right": right, "password": password });
                turn.emit(Effect::Respond { token, response: Response::json(200, &answer) });
            }
            Input::Stanza(stanza) => {
                let form = stanza.payload.find("jabber:x:data", "x");
                let form = form.map(|form| stanza.payload.element(form).expect("a tree"));
                if let Some(value) =
                    form.and_then(|form| Some(form.children().next()?.children().next()?.text()))
                {
                    turn.put(TABLE, *b"door", format!("\x01{value}"));
                    let mut xml = annex_stanza::Xml::new();
                    xml.open("field").attr("xmlns", "jabber:x:data").attr("type", "text-private");
                    xml.text_element("value", None, &value).close();
                    say(std::str::from_utf8(&xml.finish()).expect("text"), turn);
                } else {
                    let given = stanza.payload.text("jabber:client", "password");
                    say(&format!("<body>{}</body>", given.as_ref() == Some(&password)), turn);
                }
            }
            _ => {}
        }
    }

    fn redact(
        table: Table,
        record: &[u8],
        pseudonym: &mut dyn FnMut(&str) -> String,
    ) -> Option<Vec<u8>> {
        assert_eq!(table, TABLE);
        let secret = std::str::from_utf8(&record[1..]).expect("text");
        Some(format!("\x01{}", pseudonym(secret)).into_bytes())
    }
}

fn say(payload: &str, turn: &mut Turn<'_>) {
    let note = Outgoing::message(MessageType::Chat, &jid(DOMAIN)).payload(payload.as_bytes());
    turn.send(&note, &jid("a@x"));
}

#[tokio::test(start_paused = true)]
async fn no_secret_stands_in_a_trace_and_it_replays_equal() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("trace");
    let section = json!({ "door_password": "first secret", "max_password": 64 });
    let setup = Setup { trace: Some(path.clone()), section: section.clone(), ..Setup::default() };
    let give = |password: &str| {
        format!("<message from='a@x/r' to='{DOMAIN}'><password>{password}</password></message>")
    };
    let set = |password: &str| {
        format!(
            "<message from='a@x/r' to='{DOMAIN}'><x xmlns='jabber:x:data'><field var='roomsecret'><value>{password}</value></field></x></message>"
        )
    };
    let mut traces = Vec::new();
    for _ in 0..2 {
        let mut running = setup.clone().start(Door { section: section.clone() });
        let mut server = running.net.accept().await;
        server.payload().await;
        for (xml, right) in [
            (give("wrong &lt; guess"), None),
            (set("second &amp; 'secret'"), None),
            (give("second &amp; 'secret'"), Some(true)),
            (give("other guess"), Some(false)),
            (set("pin"), None),
            (give("pin"), Some(true)),
        ] {
            server.send(&xml).await;
            let answer = server.payload().await;
            if let Some(right) = right {
                assert_eq!(answer, format!("<body>{right}</body>"));
            }
        }
        let (reply, answer) = oneshot::channel();
        running
            .order(Control::Command {
                verb: "open".into(),
                arguments: json!({ "password": "pin" }),
                actor: "root".into(),
                reply,
            })
            .await;
        assert!(String::from_utf8_lossy(&answer.await.expect("answer").body).contains("true"));
        running
            .order(Control::Config {
                common: Box::new(annex_testkit::common(DOMAIN)),
                section: json!({ "door_password": "third secret", "max_password": 64 }),
                link: None,
                limits: None,
            })
            .await;
        running.stop().await;
        traces.push(std::fs::read_to_string(&path).expect("trace"));
    }
    for trace in traces {
        for secret in
            ["first secret", "guess", "second", "pin<", "'pin'", "\"pin\"", "third secret"]
        {
            assert!(!trace.contains(secret), "{secret} is in {trace}");
            assert!(!trace.contains(&hex::encode(secret)), "{secret} is in {trace}");
        }
        assert!(!trace.contains(&format!("01{}", hex::encode("pin"))), "{trace}");
        assert!(trace.contains("\"max_password\":64"), "{trace}");
        let door = |_, section: &Value| Door { section: section.clone() };
        let replayed = replay(BufReader::new(trace.as_bytes()), door).expect("a sound trace");
        assert_eq!(replayed.differences, [], "{trace}");
        assert!(replayed.inputs > 10);
    }
}
