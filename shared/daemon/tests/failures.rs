//! Why there is no stream is logged once: in the server's words, and with the thing to do. What the
//! servers say here was taken down from Prosody and ejabberd.

mod common;

use std::time::Duration;

use annex_daemon::{link::Failure, runtime::Control};
use common::{Log, Running, Script, ServerEnd, Setup, echo, settle};
use tokio::time::{Instant, sleep};
use tracing::Level;

/// How a server refuses.
#[derive(Clone, Copy)]
enum Manner {
    /// Before the handshake, with a header of these attributes and this content.
    AtOnce(&'static str),
    /// After the handshake, on a stream of this id.
    Judging(&'static str, &'static str),
    /// It closes instead of a header.
    Silent,
    /// It closes instead of a verdict.
    Mute,
    /// Nobody is there.
    Failing,
}

const PROSODY: &str = "69732b9a-1fcd-49a0-89c9-efb1eb203f9a";
const EJABBERD: &str = "6482649281376417";

async fn refuse(running: &mut Running, manner: Manner) {
    if let Manner::Failing = manner {
        // Taken by the next attempt.
        while !running.net.failures.lock().expect("lock").is_empty() {
            sleep(Duration::from_secs(1)).await;
        }
        return;
    }
    let mut server: ServerEnd = running.net.connection().await;
    match manner {
        Manner::AtOnce(answer) => {
            server.raw_until(b"version='1.0'>").await;
            server.send(answer).await;
        }
        Manner::Judging(id, answer) => {
            server.open_as(id).await;
            server.raw_until(b"</handshake>").await;
            server.send(answer).await;
        }
        Manner::Mute => {
            server.open().await;
            server.raw_until(b"</handshake>").await;
        }
        Manner::Silent | Manner::Failing => {}
    }
}

#[tokio::test(start_paused = true)]
async fn each_failure_is_logged_once_in_the_servers_words_with_the_thing_to_do() {
    let (log, _guard) = Log::begin(Level::WARN);
    for (manner, pieces) in [
        (
            Manner::Judging(
                PROSODY,
                "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Given token does not match calculated token</text></stream:error></stream:stream>",
            ),
            [
                "not-authorized (“Given token does not match calculated token”)",
                "Component \"rooms.example\" a component_secret",
            ],
        ),
        (
            Manner::Judging(
                EJABBERD,
                "<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>",
            ),
            ["says not-authorized:", "an entry \"rooms.example\" under hosts"],
        ),
        (
            Manner::AtOnce(
                "<?xml version='1.0'?><stream:stream id='' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xmlns='jabber:component:accept'><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>rooms.example does not match any configured external components</text></stream:error></stream:stream>",
            ),
            [
                "host-unknown (“rooms.example does not match any configured external components”)",
                "restart Prosody",
            ],
        ),
        (
            Manner::Judging(
                PROSODY,
                "<stream:error><conflict xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>Component already connected</text></stream:error></stream:stream>",
            ),
            [
                "conflict (“Component already connected”)",
                "another process is connected as rooms.example; stop that one",
            ],
        ),
        (
            Manner::Judging(
                PROSODY,
                "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='de'>Zu viele</text><text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>Too many</text></stream:error></stream:stream>",
            ),
            ["says policy-violation (“Too many”)", ""],
        ),
        (
            Manner::Silent,
            ["closed the connection without a word", "check that this is its component port"],
        ),
        (
            Manner::Mute,
            ["closed the connection without a word", "check that this is its component port"],
        ),
        (Manner::Failing, ["nothing listens at 127.0.0.1:5347", "start the server"]),
    ] {
        let mut running = Setup::default().start(Script(echo));
        for round in 0..2 {
            // Some two minutes of attempts.
            if let Manner::Failing = manner {
                *running.net.failures.lock().expect("lock") = vec![Failure::Refused; 8];
            }
            for _ in 0..8 {
                refuse(&mut running, manner).await;
            }
            let server = running.net.accept().await;
            settle().await;
            let lines = log.take();
            assert_eq!(lines.len(), 1, "{lines:#?}");
            for piece in pieces {
                assert!(lines[0].contains(piece), "{piece}: {}", lines[0]);
            }
            // Once more after it went well; the end of the stream is news of its own.
            drop(server);
            settle().await;
            let lines = log.take();
            assert!(lines.len() == 1 && lines[0].contains("went away"), "{round}: {lines:#?}");
        }
        running.task.abort();
        settle().await;
        log.take();
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_lasts_is_reminded_of_and_another_one_is_news() {
    let (log, _guard) = Log::begin(Level::WARN);
    let mut running = Setup::default().start(Script(echo));
    let start = Instant::now();
    *running.net.failures.lock().expect("lock") = vec![Failure::Refused; 100];
    refuse(&mut running, Manner::Failing).await;
    let hours = start.elapsed().as_secs_f64() / 3600.0;
    let lines = log.take();
    assert!(lines[1..].iter().all(|line| line.contains("still: nothing listens")), "{lines:#?}");
    assert!(lines.len() > 3 && lines.len() as f64 <= 6.0 * hours + 1.0, "{hours} h: {lines:#?}");
    refuse(&mut running, Manner::Silent).await;
    settle().await;
    let lines = log.take();
    assert!(lines.len() == 1 && lines[0].contains("without a word"), "{lines:#?}");
    running.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_was_left_when_told_to_is_nobodys_failure() {
    let (log, _guard) = Log::begin(Level::WARN);
    let mut running = Setup::default().start(Script(echo));
    let _first = running.net.accept().await;
    running.control.send(Control::Reconnect).await.expect("it runs");
    let _second = running.net.accept().await;
    settle().await;
    assert_eq!(log.take(), [""; 0]);
    running.task.abort();
}
