//! The stream: handshake, failures, keepalive, reconnecting, the end.

mod common;

use std::time::Duration;

use annex_daemon::{
    link::Failure,
    runtime::{Control, Timeouts},
};
use annex_service::input::Input;
use annex_stanza::Frame;
use common::{DOMAIN, Running, Script, Setup, echo, jid, message, settle};
use tokio::{
    io::AsyncReadExt,
    time::{Instant, timeout},
};

fn running() -> Running {
    Setup::default().start(Script(echo))
}

#[tokio::test(start_paused = true)]
async fn after_the_handshake_stanzas_are_answered() {
    let mut running = running();
    let mut server = running.net.accept().await;
    server.send(&message("a@x/r", DOMAIN, "hello")).await;
    assert_eq!(server.payload().await, "<body>hello</body>");
    assert!(running.report.online());
    let status = running.status().await;
    assert_eq!(status.component, serde_json::json!({ "script": true }));
    assert_eq!(status.link.software.as_deref(), Some("Prosody"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stanza_right_behind_the_handshake_is_not_lost() {
    let mut running = running();
    let mut server = running.net.connection().await;
    server.open().await;
    server.raw_until(b"</handshake>").await;
    server.send(&format!("<handshake/>{}", message("a@x/r", DOMAIN, "early"))).await;
    let text = server.raw_until(b"</message>").await;
    assert!(text.contains("early"), "{text}");
    running.stop().await;
    // Nor is the part of one that comes with it.
    let whole = message("a@x/r", DOMAIN, "early");
    for at in 0..whole.len() {
        let mut running = self::running();
        let mut server = running.net.connection().await;
        server.open().await;
        server.raw_until(b"</handshake>").await;
        server.send(&format!("<handshake/>\n{}", &whole[..at])).await;
        settle().await;
        server.send(&whole[at..]).await;
        let text = server.raw_until(b"</message>").await;
        assert!(text.contains("early"), "{text}");
        running.task.abort();
    }
}

/// What the server says after the handshake, and what becomes of it.
async fn refused(answer: &str) -> (Option<&'static str>, String) {
    let mut running = running();
    let mut server = running.net.connection().await;
    server.open().await;
    server.raw_until(b"</handshake>").await;
    server.send(answer).await;
    drop(server);
    settle().await;
    let link = running.report.link();
    assert!(!link.online);
    // It goes on trying.
    let _server = running.net.accept().await;
    settle().await;
    assert!(running.report.online());
    (link.failure, link.error.unwrap_or_default())
}

const STREAMS: &str = "xmlns='urn:ietf:params:xml:ns:xmpp-streams'";

#[tokio::test(start_paused = true)]
async fn the_servers_words_and_the_thing_to_do_are_reported() {
    let error = |condition: &str, text: &str| {
        format!(
            "<stream:error><{condition} {STREAMS}/><text {STREAMS}>{text}</text></stream:error></stream:stream>"
        )
    };
    let (kind, text) =
        refused(&error("not-authorized", "Given token does not match calculated token")).await;
    assert_eq!(kind, Some("not-authorized"));
    assert!(
        text.contains("Given token does not match") && text.contains("component_secret"),
        "{text}"
    );
    let (kind, text) = refused(&error("conflict", "Component already connected")).await;
    assert_eq!(kind, Some("conflict"));
    assert!(text.contains("stop that one"), "{text}");
    let (kind, text) = refused("").await;
    assert_eq!(kind, Some("closed-silently"));
    assert!(text.contains("without a word"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_domain_that_prosody_does_not_know_is_reported() {
    let mut running = running();
    let mut server = running.net.connection().await;
    server.raw_until(b"version='1.0'>").await;
    server.send("<?xml version='1.0'?><stream:stream id='' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' xmlns='jabber:component:accept'><stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:xmpp-streams'>rooms.example does not match any configured external components</text></stream:error></stream:stream>").await;
    drop(server);
    settle().await;
    let link = running.report.link();
    assert_eq!(link.failure, Some("host-unknown"));
    let error = link.error.unwrap_or_default();
    assert!(
        error.contains("does not match any configured") && error.contains("restart Prosody"),
        "{error}"
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn attempts_come_at_once_and_then_ever_more_slowly() {
    let mut running = running();
    let start = Instant::now();
    *running.net.failures.lock().expect("lock") = vec![Failure::Refused; 8];
    let _server = running.net.accept().await;
    // 0 + 1 + 2 + 4 + 8 + 16 + 32 + 60 seconds, each ±20 %.
    let waited = start.elapsed().as_secs_f64();
    assert!((123.0 * 0.8..123.0 * 1.2).contains(&waited), "{waited}");
    settle().await;
    let link = running.report.link();
    assert_eq!((link.online, link.error, link.attempts), (true, None, 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_gets_no_answer_is_given_up() {
    let mut running = running();
    let silent = running.net.connection().await;
    let start = Instant::now();
    let _server = running.net.accept().await;
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(15) && waited < Duration::from_secs(18), "{waited:?}");
    drop(silent);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_link_is_pinged_and_a_dead_one_left() {
    let mut running = running();
    let mut server = running.net.accept().await;
    settle().await;
    server.send(&message("a@x/r", DOMAIN, "first")).await;
    server.payload().await;
    let times = Timeouts::default();
    // Pings return for an hour: the stream stands.
    let quiet = timeout(Duration::from_secs(3600), server.frame()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    assert!(server.marks >= 50, "{}", server.marks);
    assert!(running.report.online());
    // From now on they do not.
    server.returns = false;
    let start = Instant::now();
    assert!(server.frame().await.is_none());
    let waited = start.elapsed();
    assert!(waited <= times.ping + times.dead + Duration::from_secs(1), "{waited:?}");
    assert_eq!(running.report.link().failure, Some("dead"));
    let _server = running.net.accept().await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whitespace_keeps_the_link_alive() {
    let timeouts = Timeouts { keepalive: Duration::from_secs(20), ..Timeouts::default() };
    let mut running = Setup { timeouts, ..Setup::default() }.start(Script(echo));
    let mut server = running.net.accept().await;
    let start = Instant::now();
    assert_eq!(server.wire.read_u8().await.expect("a byte"), b' ');
    assert_eq!(start.elapsed().as_secs(), 20);
    running.task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stream_error_is_reported_and_the_stream_made_again() {
    let mut running = running();
    let mut server = running.net.accept().await;
    server.send("<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>").await;
    settle().await;
    assert_eq!(running.report.link().failure, Some("system-shutdown"));
    let mut server = running.net.accept().await;
    server.send(&message("a@x/r", DOMAIN, "again")).await;
    assert_eq!(server.payload().await, "<body>again</body>");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_farewell_is_written_before_the_stream_is_closed() {
    let machine = Script(|input: Input, turn: &mut annex_service::turn::Turn<'_>| {
        if let Input::Shutdown { last } = input {
            let body = format!("<body>last: {last}</body>");
            let farewell =
                annex_stanza::Outgoing::message(annex_stanza::MessageType::Chat, &jid(DOMAIN));
            turn.put(common::TABLE, *b"farewell", "said");
            turn.send(&farewell.payload(body.as_bytes()), &jid("a@x"));
        }
    });
    let mut running = Setup::default().start(machine);
    let mut server = running.net.accept().await;
    settle().await;
    running.order(Control::Shutdown { last: true }).await;
    assert_eq!(server.payload().await, "<body>last: true</body>");
    assert!(matches!(server.frame().await, Some(Frame::End)));
    running.task.await.expect("no panic").expect("a good end");
    let marks =
        annex_store::Store::memory(&running.memory, common::schema(), Box::new(|_| ())).marks();
    assert_eq!(marks.confirmed.turn, marks.committed.turn, "the farewell is known to have arrived");
}

#[tokio::test(start_paused = true)]
async fn the_servers_software_is_asked_for() {
    let setup = Setup { home: Some(jid("example")), ..Setup::default() };
    let mut running = setup.start(Script(echo));
    let mut server = running.net.accept().await;
    let question = server.stanza().await;
    assert!(question.payload.has("jabber:iq:version", "query"));
    let id = question.id.unwrap_or_default();
    server.send(&format!("<iq type='result' from='example' to='{DOMAIN}' id='{id}'><query xmlns='jabber:iq:version'><name>ejabberd</name><version>23.01</version></query></iq>")).await;
    settle().await;
    assert_eq!(running.report.link().software.as_deref(), Some("ejabberd 23.01"));
    running.stop().await;
}
