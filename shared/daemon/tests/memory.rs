//! Memory is bounded whatever strangers send while nobody reads the answers, by what the system
//! counts. Alone in its process.

mod common;

use annex_service::{input::Input, turn::Turn};
use common::{DOMAIN, Script, Setup, echo, jid, message, settle};

/// Answers what the gate refused, and echoes messages.
fn polite(input: Input, turn: &mut Turn<'_>) {
    match &input {
        Input::Refused { header, refusal } => {
            if let Some((error, to)) = header.refuse(refusal, &jid(DOMAIN)) {
                turn.send(&error, &to);
            }
        }
        _ => echo(input, turn),
    }
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").expect("linux");
    let pages: usize = text.split(' ').nth(1).expect("field").parse().expect("number");
    pages * 4096
}

/// What it is, how many are sent, and one of them by its number.
type Kind<'a> = (&'a str, usize, &'a dyn Fn(usize) -> String);

#[tokio::test(start_paused = true)]
async fn a_flood_of_anything_takes_no_more_memory_than_is_configured() {
    let limits = annex_daemon::runtime::Limits {
        inbox: 256 << 10,
        outbox: 64 << 10,
        backlog: 1 << 20,
        reserve: 16 << 10,
        ..Default::default()
    };
    let long = "x".repeat(200 << 10);
    let head = format!("to='{DOMAIN}' from='a@x/r'");
    let deep = "<a>".repeat(20_000) + &"</a>".repeat(20_000);
    let many = "<a/>".repeat(30_000);
    let kinds: [Kind<'_>; 9] = [
        ("messages", 60, &|_| message("a@x/r", DOMAIN, &long)),
        ("ids of requests", 60, &|_| format!("<iq type='get' id='{long}' {head}/>")),
        ("ids of answers", 60, &|_| format!("<iq type='result' id='{long}' {head}/>")),
        ("ids of errors", 60, &|_| format!("<message type='error' id='{long}' {head}/>")),
        ("languages", 600, &|_| format!("<presence xml:lang='{}' {head}/>", &long[..15 << 10])),
        ("levels", 40, &|_| format!("<message {head}>{deep}</message>")),
        ("elements", 40, &|_| format!("<message {head}>{many}</message>")),
        ("senders", 10_000, &|number| {
            format!("<presence to='{DOMAIN}' from='u{number}@x/{}'/>", &long[..900])
        }),
        ("departures", 10_000, &|number| {
            format!(
                "<presence type='unavailable' to='{DOMAIN}' from='u{number}@x/{}'/>",
                &long[..900]
            )
        }),
    ];
    for (what, count, make) in kinds {
        let mut running =
            Setup { limits, buffer: 4 << 10, ..Setup::default() }.start(Script(polite));
        let mut server = running.net.accept().await;
        settle().await;
        let before = resident();
        let mut sent = 0;
        for number in 0..count {
            let stanza = make(number);
            sent += stanza.len();
            server.send(&stanza).await;
        }
        settle().await;
        let grown = resident().saturating_sub(before);
        assert!(sent > 2 << 20);
        assert!(grown < 6 << 20, "{what}: {} KiB more", grown >> 10);
        assert!(running.report.online(), "{what}");
        running.task.abort();
    }
}
