//! The end: what was read is handled, what comes too late is told so, and nothing is left unread.

mod common;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use annex_daemon::runtime::{Control, Limits};
use annex_service::{effect::Effect, input::Input, store::Scan, turn::Turn};
use annex_stanza::{Frame, Kind, MessageType, Outgoing};
use common::{DOMAIN, Script, ServerEnd, Setup, TABLE, echo, jid, message, settle};
use tokio::{
    sync::mpsc::Sender,
    task::yield_now,
    time::{Instant, timeout},
};

/// Bodies answered and texts of refusals, until the component closes.
async fn heard(server: &mut ServerEnd) -> (Vec<String>, Vec<String>) {
    let (mut answered, mut refused) = (Vec::new(), Vec::new());
    loop {
        match server.frame().await {
            Some(Frame::Stanza(stanza)) => {
                let text = String::from_utf8(stanza.payload.bytes().to_vec()).expect("text");
                let is_error = matches!(stanza.kind, Kind::Message(MessageType::Error));
                if is_error { &mut refused } else { &mut answered }.push(text);
            }
            Some(Frame::End) => return (answered, refused),
            other => panic!("a stanza or the end, not {other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_before_a_stop_is_handled_and_what_comes_after_is_told_to_wait() {
    const READ: usize = 200;
    const LATE: usize = 50;
    // One stanza a turn: the others wait.
    let limits = Limits { turn_bytes: 1, ..Limits::default() };
    let setup = Setup { limits, buffer: 1 << 20, ..Setup::default() };
    let mut running = setup.start(Script(echo));
    let mut server = running.net.accept().await;
    settle().await;
    for number in 0..READ {
        server.send(&message("a@x/r", DOMAIN, &number.to_string())).await;
    }
    while running.report.numbers().stanzas_in < READ as u64 {
        yield_now().await;
    }
    assert!(running.report.numbers().turns < READ as u64 / 2, "they still wait");
    running.order(Control::Shutdown { last: false }).await;
    yield_now().await;
    for number in 0..LATE {
        server.send(&message("a@x/r", DOMAIN, &format!("late {number}"))).await;
    }
    let begun = Instant::now();
    let (answered, refused) = heard(&mut server).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    let expected: Vec<_> = (0..READ).map(|number| format!("<body>{number}</body>")).collect();
    assert_eq!(answered, expected);
    assert_eq!(refused.len(), LATE);
    for text in refused {
        assert!(text.contains("type=\"wait\"") || text.contains("type='wait'"), "{text}");
        assert!(text.contains("The service is stopping"), "{text}");
    }
    drop(server);
    running.task.await.expect("no panic").expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn at_a_stop_a_server_that_still_talks_is_answered_until_it_is_quiet() {
    let mut running = Setup { buffer: 1 << 20, ..Setup::default() }.start(Script(echo));
    let mut server = running.net.accept().await;
    settle().await;
    running.order(Control::Shutdown { last: false }).await;
    for number in 0..10 {
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.send(&message("a@x/r", DOMAIN, &number.to_string())).await;
        // Too large, so refused as it comes, and answered all the same.
        server.send(&message("a@x/r", DOMAIN, &"x".repeat(600 << 10))).await;
    }
    let (answered, refused) = heard(&mut server).await;
    assert_eq!((answered.len(), refused.len()), (0, 20));
    drop(server);
    running.task.await.expect("no panic").expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_also_where_the_server_never_stops_talking() {
    let mut running = Setup::default().start(Script(echo));
    let mut server = running.net.accept().await;
    settle().await;
    running.order(Control::Shutdown { last: false }).await;
    let talk = async {
        loop {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if server.try_send(&message("a@x/r", DOMAIN, "on and on")).await.is_err() {
                return std::future::pending::<()>().await;
            }
            let _ = timeout(Duration::from_millis(1), server.frame()).await;
        }
    };
    let ended = tokio::select! {
        ended = running.task => ended,
        () = talk => unreachable!(),
        () = tokio::time::sleep(Duration::from_secs(20)) => panic!("it does not end"),
    };
    ended.expect("no panic").expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn after_the_stream_is_closed_what_the_server_had_under_way_is_read() {
    let mut running = Setup { buffer: 256, ..Setup::default() }.start(Script(echo));
    let mut server = running.net.accept().await;
    settle().await;
    running.order(Control::Shutdown { last: false }).await;
    assert!(matches!(server.frame().await, Some(Frame::End)));
    // More than the line holds: it would stay with us if nobody read.
    for _ in 0..20 {
        server.send(&message("a@x/r", DOMAIN, "it was under way")).await;
    }
    server.send("</stream:stream>").await;
    let ended = timeout(Duration::from_millis(10), running.task).await;
    ended.expect("at once when the server has closed too").expect("no panic").expect("a good end");
}

#[tokio::test]
async fn what_was_being_fetched_for_before_a_stop_is_finished() {
    let control = Arc::new(OnceLock::<Sender<Control>>::new());
    let orders = control.clone();
    let machine = Script(move |input: Input, turn: &mut Turn<'_>| match input {
        Input::Stanza(_) => {
            turn.emit(Effect::Fetch { id: 1, scan: Scan::all(TABLE) });
            // The order comes while the store looks.
            let stop = Control::Shutdown { last: false };
            orders.get().expect("the sender").try_send(stop).expect("room");
        }
        Input::Fetched { .. } => {
            let answer = Outgoing::message(MessageType::Chat, &jid(DOMAIN));
            turn.send(&answer.payload(b"<body>found</body>"), &jid("a@x"));
        }
        _ => {}
    });
    // In memory a fetch takes no time.
    let place = tempfile::tempdir().expect("a directory");
    let disk = Some(place.path().to_owned());
    let mut running = Setup { disk, ..Setup::default() }.start(machine);
    control.set(running.control.clone()).expect("once");
    let mut server = running.net.accept().await;
    server.send(&message("a@x/r", DOMAIN, "look")).await;
    let begun = Instant::now();
    let (answered, _) = heard(&mut server).await;
    assert_eq!(answered, ["<body>found</body>"]);
    assert!(begun.elapsed() < Duration::from_secs(4), "it need not wait for its time to be up");
}
