//! Each blind addressee finds its own entry at its place among those that everyone sees, however
//! many there are and whatever else is inside (XEP-0033 §4.6.3): as a plain writer would put them.

use std::collections::BTreeMap;

use annex_service::{input::Input, unconfirmed};
use annex_stanza::Stanza;
use annex_testkit::{Crash, Sent};
use proptest::prelude::*;
use serde_json::json;

use crate::common::{JID, Machine, NS, echo, open, start};

/// An entry, as the gate lets it in.
#[derive(Debug, Clone)]
struct Entry {
    kind: &'static str,
    jid: String,
    xml: String,
}

/// One for a user with this number: as most are, or escaped, or spelled otherwise, or with more
/// in it.
fn entry(kind: &'static str, number: usize, shape: usize) -> Entry {
    let (resource, written) = match shape {
        1 => ("/'&<>\"", "/&apos;&amp;&lt;&gt;&quot;"),
        2 => ("/é", "/é"),
        3 => ("", "."),
        _ => ("", ""),
    };
    let jid = format!("u{number}@example.com{resource}");
    let written = format!("u{number}@example.com{written}");
    let xml = match shape {
        4 => format!("<address desc='D &amp; {number}' jid='{written}' node='n' type='{kind}'/>"),
        5 => format!("<address jid='{written}' type='{kind}'><x xmlns='urn:x'>é</x></address>"),
        6 => format!("<address delivered='false' jid='{written}' type='{kind}'/>"),
        _ => format!("<address jid='{written}' type='{kind}'/>"),
    };
    Entry { kind, jid, xml }
}

impl Entry {
    fn is_blind(&self) -> bool {
        self.kind == "bcc"
    }

    fn is_delivered_to(&self) -> bool {
        self.is_blind() || matches!(self.kind, "to" | "cc")
    }

    /// As everyone sees it; not at all if it is blind.
    fn shown(&self) -> String {
        if self.is_blind() {
            return String::new();
        }
        let mut shown = self.xml.clone();
        if self.is_delivered_to() {
            shown = shown.replace(" delivered='false'", "");
            let end = shown.find('>').expect("a tag");
            let end = if shown[..end].ends_with('/') { end - 1 } else { end };
            shown.insert_str(end, " delivered='true'");
        }
        shown
    }
}

/// So many in turn, the first for everyone and the next blind.
fn alternating(count: usize) -> Vec<Entry> {
    (0..count).map(|number| entry(["to", "bcc"][number % 2], number, 0)).collect()
}

/// To these, with so many bytes inside beside the addresses.
fn stanza(name: &str, entries: &[Entry], size: usize) -> String {
    let text = if name == "message" { "body" } else { "status" };
    let entries: String = entries.iter().map(|one| &*one.xml).collect();
    format!(
        "<{name} from='alice@example.com/phone' to='{JID}'><addresses xmlns='{NS}'>{entries}\
         </addresses><{text}>{}</{text}></{name}>",
        "x".repeat(size)
    )
}

/// It arrives, whatever the number of its children.
fn hand_in(harness: &mut Machine, xml: &str) {
    harness.input(Input::Stanza(Stanza::parse(xml.as_bytes()).expect("a stanza")));
}

fn settings() -> serde_json::Value {
    json!({ "limit_local": 10_000 })
}

fn copies(harness: &mut Machine) -> Vec<Sent> {
    let sent = harness.take().into_iter();
    sent.filter(|sent| sent.xml.contains("<address ")).collect()
}

/// What is between the tags of `<addresses/>`.
fn inside(xml: &str) -> &str {
    let head = format!("<addresses xmlns='{NS}'>");
    let (_, behind) = xml.split_once(&head).expect("addresses");
    behind.split_once("</addresses>").expect("an end").0
}

/// There is one copy for each, and it has what a plain writer would write for it.
#[track_caller]
fn expect(entries: &[Entry], copies: &[Sent]) {
    let addressed: Vec<_> = entries.iter().filter(|one| one.is_delivered_to()).collect();
    assert_eq!(copies.len(), addressed.len(), "one copy each");
    let copies: BTreeMap<&str, &str> =
        copies.iter().map(|copy| (&*copy.to, inside(&copy.xml))).collect();
    let shown: Vec<String> = entries.iter().map(Entry::shown).collect();
    let everyone = shown.concat();
    for to in addressed {
        let found = copies.get(&*to.jid).unwrap_or_else(|| panic!("no copy for {}", to.jid));
        if to.is_blind() {
            let both = entries.iter().zip(&shown);
            let expected: String = both
                .map(|(one, shown)| if one.jid == to.jid { &*one.xml } else { shown })
                .collect();
            assert!(*found == expected, "{found}\ninstead of {expected}");
        } else {
            assert!(*found == everyone, "{found}\ninstead of {everyone}");
        }
    }
}

#[test]
fn blind_entries_keep_their_places_beside_a_large_text() {
    for (count, size) in [(50, 60_000), (50, 0), (3, 200_000), (300, 100_000)] {
        let mut harness = open(settings());
        let entries = alternating(count);
        hand_in(&mut harness, &stanza("message", &entries, size));
        expect(&entries, &copies(&mut harness));
    }
}

#[test]
fn hundreds_and_thousands_of_blind_entries_keep_their_places() {
    for count in [700, 2_000] {
        let mut harness = open(settings());
        let entries = alternating(count);
        hand_in(&mut harness, &stanza("message", &entries, 10));
        expect(&entries, &copies(&mut harness));
    }
}

#[test]
fn blind_entries_of_presence_keep_their_places_after_a_crash_too() {
    for (count, size) in [(50, 60_000), (50, 0), (600, 10)] {
        let mut harness = open(settings());
        let entries = alternating(count);
        hand_in(&mut harness, &stanza("presence", &entries, size));
        expect(&entries, &copies(&mut harness));
        let mut harness = open(settings());
        harness.hold();
        hand_in(&mut harness, &stanza("presence", &entries, size));
        harness.crash(Crash::AfterCommit);
        echo(&mut harness);
        expect(&entries, &copies(&mut harness));
    }
}

#[test]
fn blind_entries_keep_their_places_in_envelopes() {
    let mut harness = start(json!({ "from_fallback": "privilege" }));
    harness.advance(std::time::Duration::from_secs(11));
    harness.stanza(&format!(
        "<message from='example.com' to='{JID}'><privilege xmlns='urn:xmpp:privilege:2'>
         <perm access='message' type='outgoing'/></privilege></message>"
    ));
    harness.take();
    for size in [0, 60_000] {
        let entries = alternating(50);
        hand_in(&mut harness, &stanza("message", &entries, size));
        let to = |xml: &str| {
            let (_, inner) = xml.split_once("<message xmlns='jabber:client'").expect("a copy");
            let (_, behind) = inner.split_once(" to='").expect("its address");
            behind.split_once('\'').expect("its end").0.to_owned()
        };
        let envelopes = copies(&mut harness).into_iter();
        let copies: Vec<_> = envelopes.map(|sent| Sent { to: to(&sent.xml), ..sent }).collect();
        expect(&entries, &copies);
    }
}

#[test]
fn what_is_noted_of_presence_has_what_is_inside_once() {
    let list = format!(
        "<address jid='team@{JID}' type='bcc'><x xmlns='urn:x'>{}</x></address>",
        "x".repeat(10_000)
    );
    for entries in [alternating(600), vec![Entry { kind: "bcc", jid: String::new(), xml: list }]] {
        let mut harness = open(settings());
        let team = json!({ "list": "team", "owners": "alice@example.com" });
        harness.verb("lists/create", team);
        let members: Vec<_> = (0..90).map(|number| format!("m{number}@example.com")).collect();
        harness.verb("lists/add", json!({ "list": "team", "members": members }));
        harness.hold();
        let xml = stanza("presence", &entries, 10_000);
        hand_in(&mut harness, &xml);
        harness.crash(Crash::AfterCommit);
        let notes = harness.store().table(unconfirmed::TABLE);
        let noted: usize = notes.iter().map(|note| note.value.len()).sum();
        assert!(noted < 3 * xml.len(), "{noted} bytes for {}", xml.len());
        echo(&mut harness);
        assert!(copies(&mut harness).len() >= 90);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_mixed_stands_where_a_plain_writer_would_put_it(
        mix in prop::collection::vec((0..8_usize, 0..12_usize), 1..60),
        size in prop::sample::select(vec![0, 40_000, 150_000]),
        of_presence: bool,
        crashes: bool,
    ) {
        let kinds = ["to", "cc", "bcc", "bcc", "bcc", "replyto", "noreply", "bcc"];
        let entries: Vec<_> = (mix.into_iter().enumerate())
            .map(|(number, (kind, shape))| entry(kinds[kind], number, shape))
            .collect();
        prop_assume!(entries.iter().any(Entry::is_delivered_to));
        let mut harness = open(settings());
        harness.hold();
        hand_in(&mut harness, &stanza(["message", "presence"][usize::from(of_presence)], &entries, size));
        if crashes {
            harness.crash(Crash::AfterCommit);
            echo(&mut harness);
        } else {
            harness.release();
        }
        let copies = copies(&mut harness);
        expect(&entries, &copies);
    }
}
