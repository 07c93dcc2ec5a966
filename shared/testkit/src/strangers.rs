//! Whatever strangers send: stanzas put together at random, and what must hold of the answers.
//!
//! A component says which words its vocabulary has; `{NAME}` in a payload is filled with one of the
//! choices for it, `{SESSION}` with the newest session of a command.
//!
//! ```text
//! const WORDS: Words = Words {
//!     to: &["feeds.example.com", "news@feeds.example.com"],
//!     payloads: &["<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='{NODE}'/></pubsub>"],
//!     holes: &[("{NODE}", &["a", "b", ""])],
//! };
//! strangers::meet(&WORDS, 300, || annex_testkit::service::<PubSub>("feeds.example.com", json!({})));
//! ```

use std::fmt;

use annex_service::machine::Machine;
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::TestRunner,
};

use crate::{harness::Harness, sent::Sent};

/// What the stanzas for one service are made of, beside what all have.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// Addresses of the service.
    pub to: &'static [&'static str],
    /// What its stanzas hold, beside `COMMON`.
    pub payloads: &'static [&'static str],
    /// Choices for what stands in braces in a payload.
    pub holes: &'static [(&'static str, &'static [&'static str])],
}

/// Names and types of stanzas; requests and presence are frequent.
const KINDS: &[&str] = &[
    "iq type='get'",
    "iq type='get'",
    "iq type='get'",
    "iq type='set'",
    "iq type='set'",
    "iq type='set'",
    "iq type='result'",
    "iq type='error'",
    "iq type='what'",
    "iq",
    "message",
    "message type='groupchat'",
    "message type='chat'",
    "message type='headline'",
    "message type='error'",
    "presence",
    "presence",
    "presence type='unavailable'",
    "presence type='subscribe'",
    "presence type='probe'",
    "presence type='error'",
    "presence type='what'",
];

const IDS: &[&str] = &["id='1'", "id='1'", "id='1'", "id='1'", "id=''", ""];

const FROM: &[&str] = &[
    "alice@example.com/phone",
    "alice@example.com/phone",
    "bob@example.com/desk",
    "carol@far.example.net/🦀",
    "admin@example.com/desk",
    "admin@example.com",
    "example.com",
    "@",
];

/// What every service is asked.
const COMMON: &[&str] = &[
    "",
    "<ping xmlns='urn:xmpp:ping'/>",
    "<ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/>",
    "<query xmlns='jabber:iq:version'/>",
    "<query xmlns='jabber:iq:last'/>",
    "<time xmlns='urn:xmpp:time'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    "<query xmlns='http://jabber.org/protocol/disco#info' node=''/>",
    "<query xmlns='http://jabber.org/protocol/disco#info' node='status'/>",
    "<query xmlns='http://jabber.org/protocol/disco#items'/>",
    "<query xmlns='http://jabber.org/protocol/disco#items' node='http://jabber.org/protocol/commands'/>",
    "<query xmlns='http://jabber.org/protocol/disco#items'><set xmlns='http://jabber.org/protocol/rsm'>{SET}</set></query>",
    "<command xmlns='http://jabber.org/protocol/commands'/>",
    "<command xmlns='http://jabber.org/protocol/commands' node='status'/>",
    "<command xmlns='http://jabber.org/protocol/commands' node='audit' sessionid='{SESSION}' {ACTION}>{FORM}</command>",
    "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    "<error type='wait'/>",
    "<body>Hello</body>",
    "<what xmlns='urn:what'>ever</what>",
];

const HOLES: &[(&str, &[&str])] = &[
    (
        "{SET}",
        &[
            "<max>2</max>",
            "<max>2</max><after>5@probe.example.com/0001</after>",
            "<max>0</max><before/>",
            "<before>zzzz</before><after>0000</after>",
            "<max>99999999999999999999</max>",
            "<max>18446744073709551615</max><index>18446744073709551615</index>",
            "<max>-1</max>",
            "<index>3</index>",
            "<what/>",
        ],
    ),
    (
        "{ACTION}",
        &[
            "",
            "action='next'",
            "action='prev'",
            "action='complete'",
            "action='cancel'",
            "action='?'",
        ],
    ),
    (
        "{FORM}",
        &[
            "",
            "<x xmlns='jabber:x:data' type='submit'/>",
            "<x xmlns='jabber:x:data' type='what'/>",
            "<x xmlns='jabber:x:data' type='submit'><field/></x>",
        ],
    ),
];

/// One stanza.
#[derive(Clone)]
struct Stranger {
    kind: &'static str,
    from: &'static str,
    to: &'static str,
    id: &'static str,
    payload: String,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, from, to, id, payload } = self;
        write!(f, "<{kind} {id} from='{from}' to='{to}'>{payload}</{}>", self.name())
    }
}

impl fmt::Debug for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Stranger {
    fn name(&self) -> &str {
        self.kind.split(' ').next().unwrap_or_default()
    }

    /// An error or a result, which nobody may answer.
    fn is_answer(&self) -> bool {
        self.kind.contains("'error'") || self.kind.contains("'result'")
    }

    /// The service may know who asks.
    fn is_request(&self) -> bool {
        self.name() == "iq" && !self.is_answer() && self.from != "@"
    }
}

/// Lets `cases` rows of stanzas meet a service each, twice, and panics where a store fails, a handler
/// panics, a request has not exactly one answer, an error or a result has one, something comes from
/// an address that is neither the service's nor the sender's, or the second time is another than
/// the first.
pub fn meet<M: Machine>(words: &Words, cases: u32, build: impl Fn() -> Harness<M>) {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let outcome = TestRunner::new(config).run(&vec(stanza(words), 1..80), |row| {
        let (mut first, mut second) = (Visit::new(build()), Visit::new(build()));
        for stranger in &row {
            let sent = first.meet(stranger, words)?;
            prop_assert_eq!(sent, second.meet(stranger, words)?);
        }
        prop_assert_eq!(first.harness.store(), second.harness.store());
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn stanza(words: &Words) -> impl Strategy<Value = Stranger> + use<> {
    let payloads = [COMMON, words.payloads].concat();
    let holes = [HOLES, words.holes].concat();
    let parts = (select(KINDS), select(IDS), select(FROM), select(words.to), select(payloads));
    (parts, vec(any::<Index>(), holes.len())).prop_map(move |(parts, chosen)| {
        let (kind, id, from, to, payload) = parts;
        let mut filled = payload.to_owned();
        for ((hole, choices), index) in holes.iter().zip(chosen) {
            filled = filled.replace(hole, choices[index.index(choices.len())]);
        }
        Stranger { kind, from, to, id, payload: filled }
    })
}

struct Visit<M> {
    harness: Harness<M>,
    session: String,
}

impl<M: Machine> Visit<M> {
    fn new(harness: Harness<M>) -> Self {
        Self { harness, session: String::new() }
    }

    fn meet(&mut self, stranger: &Stranger, words: &Words) -> Result<Vec<Sent>, TestCaseError> {
        self.harness.stanza(&stranger.to_string().replace("{SESSION}", &self.session));
        let sent = self.harness.take();
        prop_assert!(self.harness.failed().is_none(), "{stranger}");
        let panics = self.harness.counted("annex_refusals_total{internal.panic}");
        prop_assert_eq!(panics, 0, "{}", stranger);
        let mut answers = 0;
        let mut errors = 0;
        let mut relayed = false;
        for one in &sent {
            let element = one.element();
            let (from, kind) = (element.attr("from"), element.attr("type"));
            let is_ours =
                from.is_some_and(|from| domain(from).eq_ignore_ascii_case(domain(words.to[0])));
            prop_assert!(is_ours || from == Some(stranger.from), "{stranger}: {one}");
            let is_iq = element.name() == "iq";
            relayed |= is_iq && matches!(kind, Some("get" | "set"));
            if one.to == stranger.from {
                answers += usize::from(is_iq && matches!(kind, Some("result" | "error")));
                errors += usize::from(element.name() == stranger.name() && kind == Some("error"));
            }
            if let Some(id) = element.children().find_map(|child| child.attr("sessionid")) {
                id.clone_into(&mut self.session);
            }
        }
        if stranger.is_request() {
            // Passed on to somebody else, it is not yet answered.
            let is_answered = answers == 1 || (relayed && answers == 0);
            prop_assert!(is_answered, "{stranger}: {sent:?}");
        } else if stranger.is_answer() && !stranger.to.contains('/') {
            prop_assert_eq!(answers + errors, 0, "{}: {:?}", stranger, sent);
        } else {
            prop_assert!(errors <= 1, "{stranger}: {sent:?}");
        }
        Ok(sent)
    }
}

fn domain(address: &str) -> &str {
    let bare = address.split('/').next().unwrap_or_default();
    bare.rsplit('@').next().unwrap_or_default()
}
