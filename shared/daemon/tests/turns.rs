//! Turns, commits and what leaves when: nothing before it is on disk, and in order.

mod common;

use std::sync::{Arc, Mutex};

use annex_daemon::runtime::RunError;
use annex_service::{
    effect::{Effect, Lane},
    input::Input,
    store::{Read, Scan, StoreError},
    turn::Turn,
};
use annex_stanza::{Kind, MessageType, Outgoing};
use common::{DOMAIN, Script, Setup, TABLE, jid, message, settle};

/// Writes each body that begins with `w` and acknowledges it; others are acknowledged only.
fn keeper(input: Input, turn: &mut Turn<'_>) {
    let Input::Stanza(stanza) = input else { return };
    if !matches!(stanza.kind, Kind::Message(_)) {
        return;
    }
    let body = stanza.payload.text("jabber:client", "body").unwrap_or_default();
    if body.starts_with('w') {
        turn.put(TABLE, body.clone().into_bytes(), "kept");
    }
    let answer = Outgoing::message(MessageType::Chat, &stanza.to);
    turn.send(&answer.payload(format!("<body>{body}</body>").as_bytes()), &stanza.from);
}

#[tokio::test(start_paused = true)]
async fn an_acknowledgement_waits_for_its_commit_and_for_every_earlier_one() {
    let mut running = Setup::default().start(Script(keeper));
    let mut server = running.net.accept().await;
    settle().await;
    running.memory.hold();
    for body in ["w1", "r1", "w2", "r2"] {
        server.send(&message("a@x/r", DOMAIN, body)).await;
        settle().await;
    }
    assert_eq!(running.memory.in_flight(), 2, "the machine goes on while commits are in flight");
    server.silence().await;
    assert!(running.memory.release_one());
    assert_eq!(server.payload().await, "<body>w1</body>");
    assert_eq!(server.payload().await, "<body>r1</body>");
    server.silence().await;
    running.memory.release();
    assert_eq!(server.payload().await, "<body>w2</body>");
    assert_eq!(server.payload().await, "<body>r2</body>");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn commits_in_flight_are_bounded() {
    let limits = annex_daemon::runtime::Limits { commits: 100, ..Default::default() };
    let setup = Setup { limits, ..Setup::default() };
    let memory = setup.memory.clone();
    let mut running = setup.start(Script(keeper));
    let mut server = running.net.accept().await;
    settle().await;
    memory.hold();
    for number in 0..100 {
        server.send(&message("a@x/r", DOMAIN, &format!("w{number:02}"))).await;
        settle().await;
    }
    assert!(memory.in_flight() < 20, "{}", memory.in_flight());
    memory.release();
    for number in 0..100 {
        assert_eq!(server.payload().await, format!("<body>w{number:02}</body>"));
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_ends_the_runtime_and_nothing_leaves() {
    for (full, code) in [(false, 4), (true, 1)] {
        let mut running = Setup::default().start(Script(keeper));
        let mut server = running.net.accept().await;
        settle().await;
        running.memory.fail_next_commit(StoreError { full, ..StoreError::new("commit", "broken") });
        server.send(&message("a@x/r", DOMAIN, "w1")).await;
        assert!(server.frame().await.is_none(), "no acknowledgement");
        let error = running.task.await.expect("no panic").expect_err("the failure");
        assert!(matches!(error, RunError::Store(_)));
        assert_eq!(error.exit_code(), code);
    }
}

/// It panicked, say: nothing would ever be acknowledged again.
#[tokio::test(start_paused = true)]
async fn a_storage_thread_that_ends_ends_the_runtime() {
    let mut running = Setup::default().start(Script(keeper));
    let mut server = running.net.accept().await;
    settle().await;
    running.memory.crash();
    assert!(server.frame().await.is_none());
    let error = running.task.await.expect("no panic").expect_err("the failure");
    assert!(matches!(error, RunError::Store(_)));
}

#[tokio::test(start_paused = true)]
async fn turns_that_write_nothing_do_not_wait_for_the_commit_that_reserves_their_numbers() {
    let machine = |input: Input, turn: &mut Turn<'_>| {
        turn.stamp();
        keeper(input, turn);
    };
    let mut running = Setup::default().start(Script(machine));
    let mut server = running.net.accept().await;
    server.returns = false;
    settle().await;
    running.memory.hold();
    for number in 1..4 {
        running.clock.step(300_000);
        server.send(&message("a@x/r", DOMAIN, &format!("r{number}"))).await;
        assert_eq!(server.payload().await, format!("<body>r{number}</body>"));
    }
    assert_eq!(running.memory.in_flight(), 1);
    running.clock.step(300_000);
    server.send(&message("a@x/r", DOMAIN, "beyond")).await;
    server.silence().await;
    running.memory.release();
    assert_eq!(server.payload().await, "<body>beyond</body>");
    running.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_fetch_sees_what_was_written_before_it() {
    let machine = |input: Input, turn: &mut Turn<'_>| match input {
        Input::Stanza(_) => {
            turn.put(TABLE, *b"a", "1");
            turn.emit(Effect::Fetch { id: 7, scan: Scan::all(TABLE) });
        }
        Input::Fetched { id, page } => {
            let text = format!("<body>{id}: {} rows</body>", page.rows.len());
            let answer =
                Outgoing::message(MessageType::Chat, &jid(DOMAIN)).payload(text.as_bytes());
            turn.send(&answer, &jid("a@x"));
        }
        _ => {}
    };
    let mut running = Setup::default().start(Script(machine));
    let mut server = running.net.accept().await;
    server.send(&message("a@x/r", DOMAIN, "go")).await;
    assert_eq!(server.payload().await, "<body>7: 1 rows</body>");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stanza_that_the_server_would_close_the_stream_for_does_not_leave() {
    let machine = |input: Input, turn: &mut Turn<'_>| {
        let Input::Stanza(stanza) = input else { return };
        let huge = "x".repeat(300 << 10);
        let payload = format!("<query xmlns='test'>{huge}</query>");
        let foreign = Outgoing::message(MessageType::Chat, &jid("someone@else"));
        turn.send(&foreign, &stanza.from);
        turn.send(
            &Outgoing::message(MessageType::Chat, &stanza.to).payload(payload.as_bytes()),
            &stanza.from,
        );
        let id = stanza.id.clone().unwrap_or_default();
        let answer = Outgoing::iq(annex_stanza::IqType::Result, &stanza.to, id);
        turn.send(&answer.payload(payload.as_bytes()), &stanza.from);
    };
    let mut running = Setup::default().start(Script(machine));
    let mut server = running.net.accept().await;
    server
        .send(&format!("<iq type='get' id='i1' from='a@x/r' to='{DOMAIN}'><q xmlns='t'/></iq>"))
        .await;
    let answer = server.stanza().await;
    assert_eq!(answer.kind, Kind::Iq(annex_stanza::IqType::Error));
    assert_eq!(answer.id.as_deref(), Some("i1"));
    assert_eq!(running.report.numbers().gate, 3);
    running.stop().await;
}

/// Notes what was told; tells it again to a new stream.
#[derive(Default)]
struct Log(Vec<String>);

fn logged(log: &Arc<Mutex<Log>>) -> Vec<String> {
    log.lock().expect("lock").0.clone()
}

#[tokio::test(start_paused = true)]
async fn what_returned_through_the_server_is_confirmed_and_remembered() {
    let log = Arc::new(Mutex::new(Log::default()));
    let seen = log.clone();
    let machine = move |input: Input, turn: &mut Turn<'_>| {
        match &input {
            Input::Online { confirmed } => {
                seen.lock().expect("lock").0.push(format!("online above {confirmed}"));
            }
            Input::Confirmed(turn) => {
                seen.lock().expect("lock").0.push(format!("confirmed {turn}"));
            }
            Input::Offline(_) => seen.lock().expect("lock").0.push("offline".into()),
            _ => {}
        }
        if matches!(input, Input::Stanza(_)) {
            seen.lock().expect("lock").0.push(format!("told in {}", turn.number()));
        }
        keeper(input, turn);
    };
    let setup = Setup::default();
    let memory = setup.memory.clone();
    let mut running = setup.clone().start(Script(machine.clone()));
    let mut server = running.net.accept().await;
    settle().await;
    server.send(&message("a@x/r", DOMAIN, "w1")).await;
    server.payload().await;
    server.silence().await;
    let log_now = logged(&log);
    let told =
        log_now.iter().find_map(|line| line.strip_prefix("told in ")).expect("told").to_owned();
    assert_eq!(log_now.last(), Some(&format!("confirmed {told}")));
    // The next is told and not confirmed.
    server.returns = false;
    server.send(&message("a@x/r", DOMAIN, "w2")).await;
    server.payload().await;
    drop(server);
    let mut server = running.net.accept().await;
    settle().await;
    let tail = logged(&log);
    assert_eq!(tail[tail.len() - 2..], ["offline".to_owned(), format!("online above {told}")]);
    // The same after a crash.
    server.returns = false;
    running.task.abort();
    settle().await;
    memory.crash();
    let mut running = setup.start(Script(machine));
    let _server = running.net.accept().await;
    settle().await;
    assert_eq!(logged(&log).last(), Some(&format!("online above {told}")));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_waited_for_one_stream_is_never_written_to_the_next() {
    let mut running = Setup::default().start(Script(keeper));
    let mut server = running.net.accept().await;
    settle().await;
    running.memory.hold();
    server.send(&message("a@x/r", DOMAIN, "w1")).await;
    settle().await;
    drop(server);
    let mut server = running.net.accept().await;
    settle().await;
    running.memory.release();
    server.send(&message("a@x/r", DOMAIN, "w2")).await;
    assert_eq!(server.payload().await, "<body>w2</body>", "w1 is the machine's to tell again");
    running.stop().await;
}

/// A keeper that notes the number and a stamp of each stanza's turn.
fn numbered(
    numbers: &Arc<Mutex<Vec<(u64, u64)>>>,
) -> impl FnMut(Input, &mut Turn<'_>) + Clone + Send + 'static {
    let seen = numbers.clone();
    move |input, turn| {
        if matches!(input, Input::Stanza(_)) {
            seen.lock().expect("lock").push((turn.number(), turn.stamp()));
        }
        keeper(input, turn);
    }
}

#[tokio::test(start_paused = true)]
async fn a_turn_number_is_never_used_twice() {
    let numbers = Arc::new(Mutex::new(Vec::new()));
    let machine = numbered(&numbers);
    let setup = Setup::default();
    for _ in 0..3 {
        let mut running = setup.clone().start(Script(machine.clone()));
        let mut server = running.net.accept().await;
        for body in ["w1", "r1"] {
            server.send(&message("a@x/r", DOMAIN, body)).await;
            server.payload().await;
        }
        server.silence().await;
        running.clock.step(-3_600_000_000);
        running.stop().await;
    }
    let numbers = numbers.lock().expect("lock");
    assert_eq!(numbers.len(), 6);
    assert!(
        numbers.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1),
        "{numbers:?}"
    );
}

/// What turns that wrote nothing had told, and nobody had confirmed.
#[tokio::test(start_paused = true)]
async fn a_turn_number_is_never_used_twice_also_where_a_crash_follows_turns_that_wrote_nothing() {
    let numbers = Arc::new(Mutex::new(Vec::new()));
    let machine = numbered(&numbers);
    let setup = Setup::default();
    for run in 0..4 {
        let mut running = setup.clone().start(Script(machine.clone()));
        // In each run the clock stands an hour before that of the run before.
        running.clock.step(-3_600_000_000 * run);
        let mut server = running.net.accept().await;
        server.returns = false;
        settle().await;
        for body in ["r1", "r2", "r3"] {
            server.send(&message("a@x/r", DOMAIN, body)).await;
            server.payload().await;
            // Stamps move on with the clock.
            tokio::time::advance(std::time::Duration::from_millis(700)).await;
        }
        running.task.abort();
        settle().await;
        setup.memory.crash();
    }
    let numbers = numbers.lock().expect("lock");
    assert_eq!(numbers.len(), 12);
    assert!(
        numbers.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1),
        "{numbers:?}"
    );
    assert_eq!(setup.memory.records().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timer_fires_at_its_time_and_one_that_is_past_with_the_next_turn() {
    use annex_service::effect::Timer;
    use std::time::Duration;
    let (slow, slice) = (Timer { kind: 40, id: 1 }, Timer { kind: 41, id: 0 });
    let mut slices = 0;
    let machine = move |input: Input, turn: &mut Turn<'_>| {
        let text = match input {
            Input::Start => return turn.arm(slow, Duration::from_secs(3)),
            Input::Timer(timer) if timer == slow => {
                turn.arm(slice, Duration::ZERO);
                format!("at {:?}", turn.since_start())
            }
            Input::Timer(_) => {
                slices += 1;
                if slices < 5 {
                    return turn.arm(slice, Duration::ZERO);
                }
                format!("slices at {:?}", turn.since_start())
            }
            _ => return,
        };
        let note = Outgoing::message(MessageType::Chat, &jid(DOMAIN));
        turn.send_in(
            Lane(1),
            &note.payload(format!("<body>{text}</body>").as_bytes()),
            &jid("a@x"),
        );
    };
    let mut running = Setup::default().start(Script(machine));
    let mut server = running.net.accept().await;
    assert_eq!(server.payload().await, "<body>at 3s</body>");
    let text = server.payload().await;
    assert!(text.starts_with("<body>slices at 3"), "{text}");
    running.stop().await;
}

#[test]
fn reads_go_through_the_seam() {
    fn is_read<T: Read>() {}
    is_read::<annex_store::Reader>();
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_the_server_is_away_waits_for_commits_and_for_nothing_else() {
    let running = Setup::default().start(Script(|input: Input, turn: &mut Turn<'_>| {
        if matches!(input, Input::Shutdown { .. }) {
            turn.put(TABLE, *b"farewell", "said");
        }
    }));
    *running.net.failures.lock().expect("lock") = vec![annex_daemon::link::Failure::Refused; 9];
    settle().await;
    running.memory.hold();
    let start = tokio::time::Instant::now();
    running.order(annex_daemon::runtime::Control::Shutdown { last: false }).await;
    settle().await;
    assert!(!running.task.is_finished());
    running.memory.release();
    running.task.await.expect("no panic").expect("a good end");
    assert!(start.elapsed().as_secs() < 1);
}
