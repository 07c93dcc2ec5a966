//! Full queues are logged when they last: by then somebody has to look, and a server that is merely
//! slow fills them many times a second.

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use annex_daemon::runtime::{Control, Limits};
use annex_service::{effect::Timer, input::Input, turn::Turn, unconfirmed::TIMER_LATE};
use common::{DOMAIN, Log, Running, Script, ServerEnd, Setup, echo, message, settle};
use tokio::time::sleep;
use tracing::Level;

const OUTBOX: usize = 4 << 10;

/// Beyond what is on its way to the line already.
const MESSAGES: usize = 100;

async fn connected() -> (Running, ServerEnd) {
    let limits = Limits { outbox: OUTBOX, ..Limits::default() };
    let mut running = Setup { limits, buffer: 256, ..Setup::default() }.start(Script(echo));
    let server = running.net.accept().await;
    settle().await;
    (running, server)
}

/// The server sends and does not read.
async fn ask(running: &Running, server: &mut ServerEnd) {
    for _ in 0..MESSAGES {
        server.send(&message("a@x/r", DOMAIN, &"x".repeat(2 << 10))).await;
    }
    settle().await;
    assert!(running.report.numbers().outbox >= OUTBOX as u64, "output is full");
}

async fn read(server: &mut ServerEnd) {
    for _ in 0..MESSAGES {
        server.stanza().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stall_that_lasts_is_logged_while_it_lasts_and_its_end_once() {
    let (log, _guard) = Log::begin(Level::INFO);
    let (running, mut server) = connected().await;
    log.take();
    ask(&running, &mut server).await;
    sleep(Duration::from_millis(900)).await;
    assert_eq!(log.take(), [""; 0]);
    // Nothing happens meanwhile that would have it noticed.
    sleep(Duration::from_millis(200)).await;
    let lines = log.take();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("the server does not take our output"), "{lines:?}");
    sleep(Duration::from_secs(20)).await;
    assert_eq!(log.take(), [""; 0]);
    read(&mut server).await;
    sleep(Duration::from_secs(2)).await;
    let lines = log.take();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("takes our output again"), "{lines:?}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_merely_slow_does_not_fill_the_log() {
    let (log, _guard) = Log::begin(Level::INFO);
    let (running, mut server) = connected().await;
    log.take();
    for _ in 0..50 {
        ask(&running, &mut server).await;
        sleep(Duration::from_millis(30)).await;
        read(&mut server).await;
        sleep(Duration::from_millis(30)).await;
    }
    assert_eq!(log.take(), [""; 0]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_noted_late_is_written_down_while_nothing_else_is_handled() {
    for stops in [false, true] {
        let fired = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&fired);
        let other = Timer { kind: 40, id: 0 };
        let machine = move |input: Input, turn: &mut Turn<'_>| match input {
            Input::Timer(timer) => seen.lock().expect("lock").push(timer),
            input => {
                turn.arm(TIMER_LATE, Duration::from_millis(50));
                turn.arm(other, Duration::from_millis(50));
                echo(input, turn);
            }
        };
        let limits = Limits { outbox: OUTBOX, ..Limits::default() };
        let mut running = Setup { limits, buffer: 256, ..Setup::default() }.start(Script(machine));
        let mut server = running.net.accept().await;
        settle().await;
        ask(&running, &mut server).await;
        if stops {
            running.order(Control::Shutdown { last: false }).await;
        }
        sleep(Duration::from_secs(1)).await;
        assert_eq!(*fired.lock().expect("lock"), [TIMER_LATE], "once");
        assert!(running.report.stalled());
        if !stops {
            read(&mut server).await;
            settle().await;
            assert!(fired.lock().expect("lock").contains(&other));
            assert!(!running.report.stalled());
            running.stop().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_says_how_many_stanzas_it_could_not_handle() {
    let (log, _guard) = Log::begin(Level::INFO);
    let (running, mut server) = connected().await;
    ask(&running, &mut server).await;
    log.take();
    running.stop().await;
    let lines = log.take();
    assert!(lines.iter().any(|line| line.contains("lost with the stop left=")), "{lines:?}");
    drop(server);
}
