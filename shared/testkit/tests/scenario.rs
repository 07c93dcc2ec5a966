//! The scenario runner, on a machine of a few lines.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use annex_service::{
    effect::{Effect, Response, Timer},
    input::Input,
    machine::Machine,
    store::Table,
    turn::Turn,
};
use annex_stanza::{Jid, MessageType, Outgoing, Stanza};
use annex_testkit::{Harness, scenario};

const COUNT: Table = Table::new(40, "count");
const LATER: Timer = Timer { kind: 40, id: 0 };

#[derive(Default)]
struct Counter {
    asker: Option<(Jid, Jid)>,
}

impl Counter {
    fn count(turn: &mut Turn<'_>, by: u64) -> u64 {
        let stored = turn.get(COUNT, b"").unwrap();
        let count =
            stored.map_or(0, |bytes| u64::from_be_bytes(bytes[..].try_into().unwrap())) + by;
        turn.put(COUNT, Vec::new(), count.to_be_bytes().to_vec());
        count
    }

    fn tell(turn: &mut Turn<'_>, from: &Jid, to: &[&Jid]) {
        let count = Self::count(turn, 1).to_string();
        let id = turn.token();
        let message = Outgoing::message(MessageType::Normal, from).id(id);
        let message = message.child(|xml| {
            xml.text_element("body", None, &count);
        });
        for to in to {
            turn.send(&message, to);
        }
    }

    fn stanza(&mut self, stanza: &Stanza, turn: &mut Turn<'_>) {
        let body = stanza.payload.text("jabber:client", "body").unwrap_or_default();
        if body == "later" {
            self.asker = Some((stanza.to.clone(), stanza.from.clone()));
            turn.arm(LATER, Duration::from_secs(60));
        } else if let Some(other) = body.strip_prefix("tell ") {
            let other = Jid::parse(other).unwrap();
            Self::tell(turn, &stanza.to, &[&stanza.from, &other]);
        } else {
            Self::tell(turn, &stanza.to, &[&stanza.from]);
        }
    }
}

impl Machine for Counter {
    fn handle(&mut self, input: Input, turn: &mut Turn<'_>) {
        match input {
            Input::Stanza(stanza) => self.stanza(&stanza, turn),
            Input::Timer(LATER) => {
                let (from, to) = self.asker.take().unwrap();
                Self::tell(turn, &from, &[&to]);
            }
            Input::Command { token, arguments, .. } => {
                let count = Self::count(turn, arguments["by"].as_u64().unwrap());
                let response = Response::json(200, &serde_json::json!({ "count": count }));
                turn.emit(Effect::Respond { token, response });
            }
            _ => {}
        }
    }
}

#[test]
fn a_conversation_goes_as_it_is_written() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/counter.scn");
    scenario::run_file(file, &mut Harness::new(Counter::default));
}

const ASK: &str =
    "-> <message from='a@example.com/x' to='c.example.com'><body>count</body></message>\n";

fn failure(steps: &str) -> String {
    let result =
        scenario::run(&format!("# a comment\n{ASK}{steps}"), &mut Harness::new(Counter::default));
    result.expect_err(steps).to_string()
}

#[test]
fn a_failure_says_where_and_why() {
    let failed = failure(
        "<- <message from='c.example.com' to='a@example.com/x' id='*'><body>2</body></message>",
    );
    assert!(failed.starts_with("line 3: <- <message"), "{failed}");
    assert!(failed.contains("message/body: expected the text “2”, found “1”"), "{failed}");
    assert!(failed.contains("not yet expected:\n    <message "), "{failed}");
}

#[test]
fn what_nothing_expected_fails() {
    assert!(failure("").contains("a stanza was sent that nothing expected"));
    assert!(failure(ASK).contains("a stanza was sent that nothing expected"));
    assert!(failure("restart").contains("a stanza was sent that nothing expected"));
    assert!(failure("ignore\n<- <message to='b@example.com'/>").contains("nothing was sent to b@"));
    assert!(failure("<- <message to='b@example.com'/>").contains("nothing was sent to b@"));
    assert!(failure("ignore\n<- <message to='*'/>").contains("nothing was sent"));
}

#[test]
fn a_name_keeps_its_first_value() {
    let same = "<- <message from='*' to='*' id='{id}'><etc/></message>\n";
    let failed = failure(&format!("{same}{ASK}{same}"));
    assert!(failed.contains("expected id='"), "{failed}");
}

#[test]
fn steps_that_make_no_sense_fail() {
    for (step, why) in [
        ("dance", "no such step"),
        ("advance 5", "not a time: 5"),
        ("advance x", "not a time: x"),
        ("crash", "no such step"),
        ("-> <message", "not a whole stanza"),
        ("<- <message", "not XML"),
        ("-> <other/>", "not a stanza"),
        ("verb count {by", "not JSON"),
        ("<= {}", "no answer came"),
    ] {
        let failed = failure(&format!("ignore\n{step}"));
        assert!(failed.contains(why), "{step}: {failed}");
    }
}

#[test]
#[should_panic(expected = "keeps itself busy for ever")]
fn a_machine_that_never_rests_is_stopped() {
    struct Busy;
    impl Machine for Busy {
        fn handle(&mut self, _: Input, turn: &mut Turn<'_>) {
            turn.arm(LATER, Duration::ZERO);
        }
    }
    let _ = Harness::new(|| Busy);
}
