//! What strangers send, and servers that write without reading or read nothing: no crash, no closed
//! stream, bounded memory, nothing acknowledged lost.

mod common;

use std::{fmt::Write, time::Duration};

use annex_daemon::runtime::Limits;
use annex_service::{input::Input, turn::Turn};
use annex_stanza::{IqType, Kind, Outgoing, PresenceType};
use common::{DOMAIN, Running, Script, ServerEnd, Setup, echo, jid, message, settle};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

/// Answers refusals and requests as services do, and echoes messages.
fn polite(input: Input, turn: &mut Turn<'_>) {
    match &input {
        Input::Refused { header, refusal } => {
            if let Some((error, to)) = header.refuse(refusal, &jid(DOMAIN)) {
                turn.send(&error, &to);
            }
        }
        Input::Stanza(stanza) => match stanza.kind {
            Kind::Iq(IqType::Get | IqType::Set) => {
                let id = stanza.id.clone().unwrap_or_default();
                turn.send(&Outgoing::iq(IqType::Result, &stanza.to, id), &stanza.from);
            }
            Kind::Presence(PresenceType::Unavailable) => {
                let gone = Outgoing::presence(PresenceType::Unavailable, &stanza.to);
                turn.send(&gone, &stanza.from);
            }
            _ => echo(input, turn),
        },
        _ => {}
    }
}

async fn up(setup: Setup) -> (Running, ServerEnd) {
    let mut running = setup.start(Script(polite));
    let server = running.net.accept().await;
    settle().await;
    (running, server)
}

/// Sends something and then an ordinary message: the stream goes on. Returns what came before its
/// answer.
async fn survives(stranger: &str) -> Vec<String> {
    let (running, server) = up(Setup::default()).await;
    let probe = message("probe@x/r", DOMAIN, "still there");
    let (mut reader, mut writer) = tokio::io::split(server.wire);
    let text = format!("{stranger}{probe}");
    let write = async { writer.write_all(text.as_bytes()).await.expect("it reads") };
    let read = async {
        let mut all = String::new();
        let mut bytes = vec![0; 64 << 10];
        while !all.contains("still there") {
            let count = reader.read(&mut bytes).await.expect("a stream");
            assert!(count > 0, "the stream was closed: {all}");
            all.push_str(std::str::from_utf8(&bytes[..count]).expect("text"));
        }
        all
    };
    let ((), all) = tokio::join!(write, read);
    running.task.abort();
    all.split_inclusive('>').map(Into::into).collect()
}

fn has(answers: &[String], piece: &str) -> bool {
    answers.iter().any(|answer| answer.contains(piece))
}

#[tokio::test(start_paused = true)]
async fn nesting_of_twenty_thousand_levels_is_refused() {
    let deep = format!("{}{}", "<a>".repeat(20_000), "</a>".repeat(20_000));
    let answers =
        survives(&format!("<message from='a@x/r' to='{DOMAIN}' id='d'>{deep}</message>")).await;
    assert!(has(&answers, "policy-violation"), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn an_attribute_of_twenty_kilobytes_passes() {
    let long = "x".repeat(20_000);
    let answers =
        survives(&format!("<message from='a@x/r' to='{DOMAIN}'><a b='{long}'/></message>")).await;
    assert!(has(&answers, &long));
}

#[tokio::test(start_paused = true)]
async fn a_stanza_of_six_hundred_kilobytes_is_refused() {
    let long = "x".repeat(600_000);
    let answers = survives(&message("a@x/r", DOMAIN, &long)).await;
    assert!(has(&answers, "policy-violation"), "{answers:?}");
    let answers = survives(&format!(
        "<iq type='get' id='{long}' from='a@x/r' to='{DOMAIN}'><q xmlns='t'/></iq>"
    ))
    .await;
    assert!(!answers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_presence_of_twenty_kilobytes_is_refused_and_a_departure_heard() {
    let presence = |kind: &str| {
        let long = "x".repeat(20_000);
        format!(
            "<presence from='a@x/r' to='r@{DOMAIN}/n' {kind}><status>{long}</status></presence>"
        )
    };
    let answers = survives(&presence("id='p'")).await;
    assert!(has(&answers, "<presence from='r@rooms.example/n' id='p' type='error'"), "{answers:?}");
    assert!(has(&answers, "policy-violation"), "{answers:?}");
    let answers = survives(&presence("type='unavailable'")).await;
    assert!(has(&answers, "type='unavailable'"), "{answers:?}");
}

/// What is sent, and a piece of the one answer; none where there is nothing to answer.
#[tokio::test(start_paused = true)]
async fn odd_headers_are_understood_or_answered_and_the_stream_goes_on() {
    let head = format!("from='a@x/r' to='{DOMAIN}'");
    let long = format!("{}@x", "l".repeat(3000));
    for (stranger, answer) in [
        (message("a@x/🦀", DOMAIN, "emoji"), Some("to='a@x/🦀'")),
        (
            message("a@x/r", &format!("room@{DOMAIN}/🦀🦀"), "emoji"),
            Some("from='room@rooms.example/🦀🦀'"),
        ),
        (message("🦀@x/r", DOMAIN, "emoji"), Some("to='🦀@x/r'")),
        (
            format!("<message {head} type='foo'><body>foo</body></message>"),
            Some("<body>foo</body>"),
        ),
        (format!("<message {head} type=''><body>foo</body></message>"), Some("<body>foo</body>")),
        (format!("<presence {head} type='foo'/>"), Some("bad-request")),
        (format!("<presence {head} type='unavailable'/>"), Some("type='unavailable'")),
        (format!("<presence {head}><show/><priority>200</priority></presence>"), None),
        (format!("<iq {head} id='i'/>"), Some("bad-request")),
        (format!("<iq {head} type='foo' id='i'/>"), Some("bad-request")),
        (format!("<iq {head} type='get'/>"), Some("bad-request")),
        (format!("<iq {head} type='get' id=''><a xmlns='1'/></iq>"), Some("bad-request")),
        (format!("<iq {head} type='get' id='i'/>"), Some("bad-request")),
        (
            format!("<iq {head} type='set' id='i'><a xmlns='1'/><b xmlns='2'/></iq>"),
            Some("bad-request"),
        ),
        (
            format!("<iq {head} type='get' id='&apos;&lt;\n'><a xmlns='1'/></iq>"),
            Some("id='&apos;&lt; '"),
        ),
        (format!("<iq {head} type='error' id='i'/>"), None),
        (format!("<iq {head} type='result'/>"), None),
        (
            format!("<message {head} type='error'><error/><error/></message>"),
            Some("<error/><error/>"),
        ),
        (message("a@@b/c", DOMAIN, "broken"), None),
        (message("", DOMAIN, "broken"), None),
        (message("@", "@", "broken"), None),
        (message("a@x/r", "@", "broken"), Some("jid-malformed")),
        (message("a@x/r", "a@@b", "broken"), Some("jid-malformed")),
        (message(&long, DOMAIN, "long"), None),
        (
            message("a@x/r", &format!("{}@{DOMAIN}", "l".repeat(3000)), "long"),
            Some("jid-malformed"),
        ),
        (format!("<message to='{DOMAIN}'/>"), None),
        ("<message from='a@x/r'/>".into(), None),
        ("<message/><presence/><iq/>".into(), None),
        ("<unknown xmlns='strange'><deep/></unknown>".into(), None),
        ("<stream:features><x/></stream:features>".into(), None),
        ("<handshake/>".into(), None),
        (
            format!("<message xmlns='jabber:client' {head}><body>client</body></message>"),
            Some("<body>client</body>"),
        ),
        (format!("<message xmlns='jabber:server' {head}><body>server</body></message>"), None),
    ] {
        let answers = survives(&stranger).await.concat();
        let (before, _) = answers
            .split_once("<message from='rooms.example' type='chat' to='probe@x/r'>")
            .expect("the probe's");
        match answer {
            Some(answer) => assert!(before.contains(answer), "{stranger}: {answers}"),
            None => assert_eq!(before, "", "{stranger}"),
        }
    }
}

/// Prosody closes the stream over an answer from a foreign domain, and over one of 512 KiB.
#[tokio::test(start_paused = true)]
async fn no_refusal_leaves_that_the_server_would_close_the_stream_for() {
    let (running, mut server) = up(small()).await;
    let quotes = "&apos;".repeat(100_000).replace("&apos;", "'");
    let mut flood = String::new();
    for number in 0..3_000 {
        let to = if number % 2 == 0 { "elsewhere.example" } else { DOMAIN };
        let _ = write!(
            flood,
            "<iq type='get' id='i{number}' from='a@x/r' to='{to}'><q xmlns='t'/></iq>"
        );
    }
    for kind in ["iq type='get'", "message", "presence"] {
        let _ = write!(flood, "<{kind} id=\"{quotes}\" from='a@x/r' to='{DOMAIN}'/>");
    }
    server.send(&flood).await;
    settle().await;
    assert!(running.report.numbers().refused > 0);
    while let Ok(Some(frame)) = timeout(Duration::from_secs(2), server.frame()).await {
        let annex_stanza::Frame::Stanza(answer) = frame else { panic!("a stanza, not {frame:?}") };
        assert_eq!(answer.from.domain_key(), DOMAIN);
        assert!(answer.render().len() < 256 << 10);
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn only_the_server_tells_what_software_it_is() {
    let setup = Setup { home: Some(jid("x")), ..Setup::default() };
    let (running, mut server) = up(setup).await;
    server.stanza().await;
    for (from, told) in [("x/evil", false), ("a@x", false), ("y", false), ("x", true)] {
        server
            .send(&format!("<iq type='result' id='annex-version-1' from='{from}' to='{DOMAIN}'><query xmlns='jabber:iq:version'><name>N</name></query></iq>"))
            .await;
        settle().await;
        assert_eq!(running.report.link().software.as_deref() == Some("N"), told, "{from}");
    }
    running.task.abort();
}

/// A message that would be our own mark if the server had let anyone forge it.
#[tokio::test(start_paused = true)]
async fn a_mark_that_was_never_sent_confirms_nothing() {
    let forged = format!(
        "<message from='{DOMAIN}' to='{DOMAIN}' id='annex-1-999'><mark xmlns='urn:annex:mark:0'/></message>"
    );
    survives(&forged).await;
    let other = "<message from='a@x/r' to='rooms.example' id='annex-1-1'><mark xmlns='urn:annex:mark:0'/></message>";
    assert!(has(&survives(other).await, "urn:annex:mark:0"), "it is a message like any other");
}

fn small() -> Setup {
    let limits =
        Limits { inbox: 256 << 10, outbox: 64 << 10, reserve: 16 << 10, ..Limits::default() };
    Setup { limits, buffer: 4 << 10, ..Setup::default() }
}

fn bounded(running: &Running) {
    let (numbers, limits) = (running.report.numbers(), small().limits);
    let inbox = u64::try_from(limits.inbox).expect("small");
    assert!(numbers.inbox <= inbox * 3 / 2 + 4096, "{numbers:?}");
    // What one turn emits comes on top.
    let turn = u64::try_from(limits.turn_bytes).expect("small");
    assert!(numbers.outbox <= 64 * 1024 + 16 * 1024 + 16 * turn, "{numbers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_end_that_writes_without_reading_meets_bounded_memory_and_no_deadlock() {
    let (running, mut server) = up(small()).await;
    let start = Instant::now();
    let mut flood = String::new();
    for number in 0..20_000 {
        let _ = write!(
            flood,
            "<iq type='get' id='i{number}' from='a@x/r' to='{DOMAIN}'><q xmlns='t'/></iq>"
        );
    }
    // The reader never stops: all of it is taken although no answer is read.
    server.send(&flood).await;
    assert!(start.elapsed() < Duration::from_secs(1));
    settle().await;
    bounded(&running);
    // Every request that was not dropped is answered once, with a result or `wait`.
    let mut answered = std::collections::BTreeMap::<String, usize>::new();
    let mut constrained = 0;
    while let Ok(Some(annex_stanza::Frame::Stanza(answer))) =
        timeout(Duration::from_secs(2), server.frame()).await
    {
        *answered.entry(answer.id.unwrap_or_default()).or_default() += 1;
        if answer.kind == Kind::Iq(IqType::Error) {
            constrained += 1;
        }
    }
    assert!(answered.values().all(|times| *times == 1));
    let numbers = running.report.numbers();
    assert!(constrained > 0 && numbers.refused >= constrained, "{numbers:?}");
    let handled = answered.len() as u64 - constrained;
    assert_eq!(handled + numbers.refused, 20_000, "what was taken in was answered");
    assert!(running.report.online());
    assert_eq!(running.report.numbers().reconnects, 0);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_reads_nothing_for_a_minute_is_waited_for() {
    let (running, mut server) = up(small()).await;
    for second in 0..60 {
        for number in 0..200 {
            let body = format!("m{second}-{number}");
            server.send(&message("a@x/r", DOMAIN, &body)).await;
        }
        sleep(Duration::from_secs(1)).await;
        bounded(&running);
    }
    assert!(running.report.online());
    let mut seen = 0;
    let mut last = None;
    while let Ok(Some(annex_stanza::Frame::Stanza(answer))) =
        timeout(Duration::from_secs(2), server.frame()).await
    {
        if answer.kind == Kind::Message(annex_stanza::MessageType::Error) {
            continue;
        }
        seen += 1;
        let text = answer.payload.text("jabber:client", "body").unwrap_or_default();
        let (second, number) = text[1..].split_once('-').expect("two numbers");
        let place: (u32, u32) = (second.parse().expect("number"), number.parse().expect("number"));
        assert!(last < Some(place), "in order");
        last = Some(place);
    }
    let numbers = running.report.numbers();
    assert_eq!(seen + numbers.refused, 12_000, "{numbers:?}");
    assert_eq!((numbers.reconnects, running.report.online()), (0, true));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn under_pressure_presence_coalesces_and_departures_are_kept() {
    let (running, mut server) = up(small()).await;
    let room = format!("room@{DOMAIN}/nick");
    let mut flood = String::new();
    for number in 0..20_000 {
        let user = number % 50;
        let _ = write!(
            flood,
            "<presence from='u{user}@x/r' to='{room}'><status>{number}</status></presence>"
        );
        let _ = write!(
            flood,
            "<iq type='get' id='i{number}' from='a@x/r' to='{DOMAIN}'><q xmlns='t'/></iq>"
        );
    }
    for user in 0..50 {
        let _ = write!(flood, "<presence from='u{user}@x/r' to='{room}' type='unavailable'/>");
    }
    server.send(&flood).await;
    settle().await;
    bounded(&running);
    let mut gone = std::collections::BTreeSet::new();
    while let Ok(Some(annex_stanza::Frame::Stanza(answer))) =
        timeout(Duration::from_secs(2), server.frame()).await
    {
        if answer.kind == Kind::Presence(PresenceType::Unavailable) {
            assert!(gone.insert(answer.to.as_str().to_owned()), "once each");
        }
    }
    assert_eq!(gone.len(), 50, "no departure is lost");
    running.stop().await;
}
