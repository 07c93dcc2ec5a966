//! Whatever strangers send: every request gets one answer, nothing else more than one, errors and
//! results none; and the same inputs give the same outputs.

use annex_testkit::Sent;
use proptest::prelude::*;

use crate::probe::{Probed, probe};

/// Names and types of stanzas.
const KINDS: &[&str] = &[
    "iq type='get'",
    "iq type='get'",
    "iq type='set'",
    "iq type='set'",
    "iq type='result'",
    "iq type='error'",
    "iq type='what'",
    "iq",
    "message",
    "message type='groupchat'",
    "message type='error'",
    "presence",
    "presence type='subscribe'",
    "presence type='probe'",
    "presence type='unavailable'",
    "presence type='error'",
    "presence type='what'",
];

const IDS: &[&str] = &["id='1'", "id='1'", "id='1'", "id=''", ""];

const FROM: &[&str] = &[
    "alice@example.com/phone",
    "admin@example.com/desk",
    "admin@example.com",
    "example.com",
    "probe.example.com",
    "a@probe.example.com/b",
    "@",
];

const TO: &[&str] = &[
    "probe.example.com",
    "probe.example.com",
    "probe.example.com",
    "probe.example.com/x",
    "a@probe.example.com",
    "store@probe.example.com",
    "nobody@probe.example.com",
    "5@probe.example.com",
    "a@probe.example.com/b",
    "elsewhere.example.com",
    "@probe.example.com",
];

const PAYLOADS: &[&str] = &[
    "",
    "<ping xmlns='urn:xmpp:ping'/>",
    "<ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/>",
    "<query xmlns='jabber:iq:version'/>",
    "<query xmlns='jabber:iq:last'/>",
    "<time xmlns='urn:xmpp:time'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info' node='greet'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info' node='status'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info' node=''/>",
    "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>",
    "<query xmlns='http://jabber.org/protocol/disco#items'>{SET}</query>",
    "<query xmlns='http://jabber.org/protocol/disco#items'>{SET}</query>",
    "<command xmlns='http://jabber.org/protocol/commands' node='greet'/>",
    "<command xmlns='http://jabber.org/protocol/commands' node='status'/>",
    "<command xmlns='http://jabber.org/protocol/commands' node='audit'/>",
    "<command xmlns='http://jabber.org/protocol/commands' node='thing/make'/>",
    "<command xmlns='http://jabber.org/protocol/commands' node='thing/make' sessionid='{ID}' {ACTION}>{FORM}</command>",
    "<command xmlns='http://jabber.org/protocol/commands' node='thing/make' sessionid='{ID}' {ACTION}>{FORM}</command>",
    "<command xmlns='http://jabber.org/protocol/commands'/>",
    "<do xmlns='test'><put key='k'/><audit/></do>",
    "<do xmlns='test'><put key='k'/><refuse/></do>",
    "<do xmlns='test'><put key='k'/><panic/></do>",
    "<do xmlns='test'><due after='5' id='1'/><note text='n'/></do>",
    "<do xmlns='test'><doom prefix='k'/></do>",
    "<what xmlns='urn:what'>ever</what>",
];

const SETS: &[&str] = &[
    "<max>2</max>",
    "<max>2</max><after>5@probe.example.com/0001</after>",
    "<before/>",
    "<before>zzzz</before><after>0000</after>",
    "<max>99999999999999999999</max>",
    "<max>18446744073709551615</max><index>18446744073709551615</index>",
    "<max>-1</max>",
    "<max>x</max>",
    "<index>3</index>",
    "<what/>",
];

const ACTIONS: &[&str] =
    &["", "action='next'", "action='prev'", "action='complete'", "action='cancel'", "action='?'"];

const FORMS: &[&str] = &[
    "",
    "<x xmlns='jabber:x:data' type='submit'><field var='name'><value>n</value></field></x>",
    "<x xmlns='jabber:x:data' type='submit'><field var='sure'><value>1</value></field></x>",
    "<x xmlns='jabber:x:data' type='what'/>",
    "<x xmlns='jabber:x:data' type='submit'><field/></x>",
    "<x xmlns='jabber:x:data' type='submit'><field var='size'><value>99999999999999999999</value></field><field var='name'><value/><value/></field></x>",
];

#[derive(Debug, Clone)]
struct Case {
    kind: &'static str,
    id: &'static str,
    from: &'static str,
    to: &'static str,
    payload: String,
}

fn case() -> impl Strategy<Value = Case> {
    let one = |list: &'static [&'static str]| prop::sample::select(list);
    let parts = (one(KINDS), one(IDS), one(FROM), one(TO), one(PAYLOADS));
    (parts, one(SETS), one(ACTIONS), one(FORMS)).prop_map(|(parts, set, action, form)| {
        let (kind, id, from, to, payload) = parts;
        let set = format!("<set xmlns='http://jabber.org/protocol/rsm'>{set}</set>");
        let payload =
            payload.replace("{SET}", &set).replace("{ACTION}", action).replace("{FORM}", form);
        Case { kind, id, from, to, payload }
    })
}

/// Sends a case; `{ID}` is the newest session that was seen.
fn send(harness: &mut Probed, case: &Case, session: &mut String) -> Vec<Sent> {
    let Case { kind, id, from, to, payload } = case;
    let name = kind.split(' ').next().unwrap_or_default();
    let payload = payload.replace("{ID}", session);
    harness.stanza(&format!("<{kind} {id} from='{from}' to='{to}'>{payload}</{name}>"));
    let sent = harness.take();
    for stanza in &sent {
        if let Some((_, rest)) = stanza.xml.split_once("sessionid='") {
            *session = rest.split('\'').next().unwrap_or_default().to_owned();
        }
    }
    sent
}

fn judge(case: &Case, sent: &[Sent]) -> Result<(), TestCaseError> {
    // A relayed request tells its sender something beside the answer.
    let answers: Vec<_> = sent.iter().filter(|sent| !sent.xml.contains("relayed</body>")).collect();
    let silent = ["'error'", "'result'"].iter().any(|kind| case.kind.contains(kind));
    let request = case.kind.starts_with("iq") && !silent;
    let expected = match case.from {
        "@" => 0..=0,
        _ if case.to == "elsewhere.example.com" => 0..=0,
        _ if silent => 0..=0,
        _ if request => 1..=1,
        _ => 0..=1,
    };
    prop_assert!(expected.contains(&answers.len()), "{:?}: {:?}", case, sent);
    for answer in answers {
        let to = if case.kind.starts_with("presence") && !answer.xml.contains("type='error'") {
            case.from.split('/').next().unwrap_or_default()
        } else {
            case.from
        };
        prop_assert_eq!(&answer.to, to);
        prop_assert!(answer.xml.len() <= 256 * 1024);
        answer.element();
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn every_request_has_one_answer_and_the_same_inputs_the_same_outputs(
        cases in prop::collection::vec(case(), 1..60)
    ) {
        let mut first: (Probed, String) = (probe(), String::new());
        let mut second: (Probed, String) = (probe(), String::new());
        for case in &cases {
            let sent = send(&mut first.0, case, &mut first.1);
            judge(case, &sent)?;
            prop_assert_eq!(sent, send(&mut second.0, case, &mut second.1));
            prop_assert!(first.0.failed().is_none());
        }
        prop_assert_eq!(first.0.store(), second.0.store());
    }
}
