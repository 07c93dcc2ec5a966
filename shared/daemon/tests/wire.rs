//! How servers may put things on the wire, and how a stream may end.

mod common;

use std::time::Duration;

use annex_daemon::runtime::{Server, Timeouts};
use annex_service::{input::Input, turn::Turn};
use annex_stanza::{MessageType, Outgoing, Stanza};
use common::{DOMAIN, Running, Script, ServerEnd, Setup, echo, jid, message, settle};
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional, duplex},
    net::UnixListener,
    time::{Instant, sleep},
};

/// Tells what came, as it was understood.
fn mirror(input: Input, turn: &mut Turn<'_>) {
    if let Input::Stanza(stanza) = input {
        let note = Outgoing::message(MessageType::Chat, &jid(DOMAIN));
        let text = String::from_utf8(stanza.render()).expect("text");
        turn.send(&note.child(|xml| _ = xml.text_element("body", None, &text)), &jid("a@x"));
    }
}

async fn up() -> (Running, ServerEnd) {
    let mut running = Setup::default().start(Script(mirror));
    let server = running.net.accept().await;
    settle().await;
    (running, server)
}

/// How the next stanza was understood.
async fn understood(server: &mut ServerEnd) -> String {
    server.stanza().await.payload.text("jabber:client", "body").expect("body")
}

/// As it is without anything unusual.
fn plain(xml: &str) -> String {
    let stanza = Stanza::parse(xml.as_bytes()).expect("a stanza");
    String::from_utf8(stanza.render()).expect("text")
}

const ODD: &str = "<message from='a@x/r' to='r@rooms.example/n&apos;é' id='&quot;' xml:lang='de'>\
    <body>&#x1F980; ü &lt;b&gt; 👨‍👩‍👧</body><x xmlns='urn:x' a='&apos;&quot; &#xA;&#9;' n:b='ß' xmlns:n='urn:n'/></message>";

#[tokio::test(start_paused = true)]
async fn a_stanza_may_come_byte_by_byte() {
    let (running, mut server) = up().await;
    for byte in format!(" {ODD}\n").bytes() {
        server.wire.write_all(&[byte]).await.expect("it reads");
        tokio::task::yield_now().await;
    }
    assert_eq!(understood(&mut server).await, plain(ODD));
    // Whole, and cut in two anywhere, within a character too.
    for at in 0..ODD.len() {
        server.wire.write_all(&ODD.as_bytes()[..at]).await.expect("it reads");
        settle().await;
        server.wire.write_all(&ODD.as_bytes()[at..]).await.expect("it reads");
        assert_eq!(understood(&mut server).await, plain(ODD));
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn whatever_xml_allows_is_understood() {
    let (running, mut server) = up().await;
    let head = format!("from='a@x/r' to='{DOMAIN}'");
    for (odd, usual) in [
        (
            format!(
                "<c:message xmlns:c='jabber:component:accept' {head}><c:body>x</c:body></c:message>"
            ),
            format!("<message {head}><body>x</body></message>"),
        ),
        (
            format!(
                "<message {head}><q:x xmlns:q='urn:q'><q:y a='1'/><z xmlns=''/></q:x></message>"
            ),
            format!("<message {head}><x xmlns='urn:q'><y a='1'/><z xmlns=''/></x></message>"),
        ),
        (
            format!("<message\n  to = \"{DOMAIN}\"\tfrom=\"a@x/r\"\n><body >x</body\n></message >"),
            format!("<message {head}><body>x</body></message>"),
        ),
        (
            format!(
                "<message {head}><body><![CDATA[<b>&amp;]]> ]]&gt;&#60;&#x3e;&quot;&apos;</body></message>"
            ),
            format!("<message {head}><body>&lt;b&gt;&amp;amp; ]]&gt;&lt;&gt;\"'</body></message>"),
        ),
        (
            format!("<message {head}><body>a\r\nb\rc</body></message>"),
            format!("<message {head}><body>a\nb\nc</body></message>"),
        ),
        (
            format!(
                "<message {head} xml:lang='en' foo='bar'>text <body xml:lang='sv'/> text</message>"
            ),
            format!("<message {head} xml:lang='en'><body xml:lang='sv'/></message>"),
        ),
        (format!("<presence {head}/> \n "), format!("<presence {head}></presence>")),
    ] {
        server.send(&odd).await;
        assert_eq!(understood(&mut server).await, plain(&usual), "{odd}");
    }
    running.stop().await;
}

/// RFC 6120 §11.1: none of this may be sent, so that the stream is made again; and nothing worse.
#[tokio::test(start_paused = true)]
async fn what_xmpp_forbids_ends_the_stream_and_nothing_else() {
    for forbidden in [
        &b"<!-- comment -->"[..],
        b"<?pi?>",
        b"<!DOCTYPE x>",
        b"<message>&nbsp;</message>",
        b"<message></presence>",
        b"<message a=1/>",
        b"<message>\0</message>",
        b"<message>\xff\xfe</message>",
        b"<message>\xed\xa0\xbd</message>",
        b"</message>",
    ] {
        let shown = String::from_utf8_lossy(forbidden);
        let (mut running, mut server) = up().await;
        server.wire.write_all(forbidden).await.expect("it reads");
        assert!(server.frame().await.is_none(), "{shown}");
        let link = running.report.link();
        assert_eq!(link.failure, Some("not-well-formed"), "{shown}: {link:?}");
        let mut server = running.net.accept().await;
        server.send(&message("a@x/r", DOMAIN, "after")).await;
        assert!(understood(&mut server).await.contains("after"), "{shown}");
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_make_no_sense_end_no_stream() {
    let (running, mut server) = up().await;
    for odd in ["<u:message/>", "<message a='1' a='2'/>", "<message xmlns:n=''>t</message>"] {
        server.send(odd).await;
    }
    server.send(&message("a@x/r", DOMAIN, "after")).await;
    assert!(understood(&mut server).await.contains("after"));
    assert_eq!(running.report.numbers().stanzas_in, 4);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stanza_that_is_cut_off_is_none() {
    for at in [1, 20, ODD.len() - 1] {
        let (mut running, mut server) = up().await;
        server.wire.write_all(&ODD.as_bytes()[..at]).await.expect("it reads");
        settle().await;
        drop(server);
        let mut server = running.net.accept().await;
        server.send(&message("a@x/r", DOMAIN, "after")).await;
        assert!(understood(&mut server).await.contains("after"));
        assert_eq!(running.report.numbers().stanzas_in, 1);
        running.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stanza_for_somebody_else_gets_no_answer_that_the_server_would_not_take() {
    let mut running = Setup::default().start(Script(echo));
    let mut server = running.net.accept().await;
    server.send(&message("a@x/r", "other.example", "not ours")).await;
    server.send(&message("a@x/r", "rooms.example.net", "nor this")).await;
    server.send(&format!("<message to='{DOMAIN}'><body>from nobody</body></message>")).await;
    server.send(&message("a@x/r", "ROOMS.Example", "ours")).await;
    assert_eq!(server.payload().await, "<body>ours</body>");
    assert_eq!((running.report.numbers().gate, running.report.numbers().reconnects), (2, 0));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_the_stream_in_good_order_is_connected_to_again() {
    let (mut running, mut server) = up().await;
    server.send(&format!("{}</stream:stream>", message("a@x/r", DOMAIN, "last"))).await;
    settle().await;
    assert_eq!(running.report.link().failure, Some("closed"));
    let mut server = running.net.accept().await;
    server.send(&message("a@x/r", DOMAIN, "again")).await;
    assert!(understood(&mut server).await.contains("again"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_dribbles_is_given_up() {
    let mut running = Setup::default().start(Script(mirror));
    let mut server = running.net.connection().await;
    let start = Instant::now();
    server.send("<?xml version='1.0'?><stream:stream ").await;
    let mut number = 0;
    while server.try_send(&format!("a{number}='x' ")).await.is_ok() {
        number += 1;
        sleep(Duration::from_secs(1)).await;
        assert!(start.elapsed() < Duration::from_secs(60), "it waits for ever");
    }
    assert_eq!(running.report.link().failure, Some("no-answer"));
    let _server = running.net.accept().await;
    running.stop().await;
}

/// The server hangs for a minute, and goes on.
#[tokio::test(start_paused = true)]
async fn a_server_that_neither_reads_nor_writes_for_a_minute_is_waited_for() {
    let setup = Setup { buffer: 4 << 10, ..Setup::default() };
    let mut running = setup.start(Script(echo));
    let mut server = running.net.accept().await;
    for number in 0..100 {
        server.send(&message("a@x/r", DOMAIN, &format!("{number:0500}"))).await;
    }
    sleep(Timeouts::default().ping).await;
    for number in 0..100 {
        assert_eq!(server.payload().await, format!("<body>{number:0500}</body>"));
    }
    server.silence().await;
    assert_eq!(running.report.numbers().reconnects, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_stream_runs_over_a_unix_socket() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("server.sock");
    let setup = Setup { server: Some(Server::Unix(path.clone())), ..Setup::default() };
    let listener = UnixListener::bind(&path).expect("socket");
    let running = setup.start(Script(echo));
    let (mut wire, _) = listener.accept().await.expect("connection");
    let (ours, mut theirs) = duplex(64 << 10);
    tokio::spawn(async move { copy_bidirectional(&mut wire, &mut theirs).await });
    let mut server = ServerEnd::new(ours);
    server.welcome().await;
    server.send(&message("a@x/r", DOMAIN, "hello")).await;
    assert_eq!(server.payload().await, "<body>hello</body>");
    assert_eq!(running.status().await.link.server, format!("unix:{}", path.display()));
    running.task.abort();
}
