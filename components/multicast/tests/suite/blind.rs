//! Blind addressees see their own entry as the sender wrote it, whatever is in it (XEP-0033 §4.6.3).

use annex_multicast::Multicast;
use annex_service::{service::Service, store::Op, unconfirmed};
use annex_testkit::{Crash, Harness};
use serde_json::json;

use crate::common::{JID, Machine, NS, echo, has, message, open};

/// Addressees as they are written in `to`, and their entries: alike, escaped, with more in it or in
/// another order, spelled otherwise, and alike again.
const BLIND: [(&str, &str); 11] = [
    ("a@example.com", "<address type='bcc' jid='a@example.com'/>"),
    (
        "b@example.com/&apos;&amp;&lt;&gt;&quot;",
        "<address type='bcc' jid='b@example.com/&apos;&amp;&lt;&gt;&quot;'/>",
    ),
    ("c@example.com", "<address type='bcc' jid='c@example.com' desc='c@example.com'/>"),
    ("d@example.com", "<address type='bcc' desc='D &amp; D' jid='d@example.com' node='n'/>"),
    ("E@Example.com", "<address type='bcc' jid='E@Example.com'/>"),
    ("f@example.com", "<address type='bcc' jid='f@example.com.'/>"),
    ("g@example.com", "<address type='bcc' jid='g@example.com' delivered='false'/>"),
    ("h@example.com", "<address type='bcc' jid='h@example.com'><x xmlns='urn:x'>h</x></address>"),
    ("i@example.com", "<address xmlns:a='urn:a' a:b='i' type='bcc' jid='i@example.com'/>"),
    ("j@example.com/é", "<address type='bcc' jid='j@example.com/é'/>"),
    ("k@example.com", "<address type='bcc' jid='k@example.com'/>"),
];

/// Everyone sees it, between those of [`BLIND`].
const SHOWN: [&str; 2] = ["<address type='to' jid='t@example.com'/>", "<address type='noreply'/>"];

fn entries() -> String {
    let (first, rest) = BLIND.split_at(4);
    let all = |part: &[(&str, &str)]| part.iter().map(|(_, entry)| *entry).collect::<String>();
    all(first) + SHOWN[0] + &all(rest) + SHOWN[1]
}

/// The copy for this address has its own entry at its place, and what everyone sees.
#[track_caller]
fn expect(copies: &[String], number: usize) {
    let (to, own) = BLIND[number];
    let to = format!(" to='{to}'");
    let mut copies = copies.iter().filter(|copy| copy.contains(&to));
    let (Some(copy), None) = (copies.next(), copies.next()) else { panic!("one copy {to}") };
    let shown = SHOWN[0].replace("/>", " delivered='true'/>");
    let header = match number < 4 {
        true => [own, &shown, SHOWN[1]].concat(),
        false => [&shown, own, SHOWN[1]].concat(),
    };
    assert!(has(copy, &header), "{copy}");
    assert_eq!(copy.matches("<address ").count(), 3, "{copy}");
}

fn copies(harness: &mut Machine) -> Vec<String> {
    let sent = harness.take().into_iter().map(|sent| sent.xml);
    sent.filter(|xml| xml.contains("<address ")).collect()
}

#[test]
fn each_sees_its_own_entry_as_it_was_written() {
    let mut harness = open(json!({}));
    harness.stanza(&message(&entries()));
    let copies = copies(&mut harness);
    assert_eq!(copies.len(), BLIND.len() + 1);
    (0..BLIND.len()).for_each(|number| expect(&copies, number));
}

#[test]
fn a_member_of_a_blind_list_sees_the_entry_of_the_list() {
    let mut harness = open(json!({}));
    let list = json!({ "list": "team", "owners": "alice@example.com" });
    harness.verb("lists/create", list);
    let members = json!({ "list": "team", "members": ["m@example.com", "n@example.com"] });
    harness.verb("lists/add", members);
    let own = format!("<address type='bcc' jid='team@{JID}'/>");
    harness.stanza(&message(&(BLIND[0].1.to_owned() + &own + BLIND[10].1)));
    let sent = harness.take();
    assert_eq!(sent.len(), 4);
    for copy in sent {
        let own = match copy.to.as_str() {
            "a@example.com" => BLIND[0].1,
            "k@example.com" => BLIND[10].1,
            _ => &own,
        };
        assert!(has(&copy.xml, own) && copy.xml.matches("<address ").count() == 1, "{copy}");
    }
}

#[test]
fn presence_is_told_again_to_each_with_its_own_entry() {
    let mut harness = open(json!({}));
    harness.hold();
    harness.stanza(&format!(
        "<presence from='alice@example.com/phone' to='{JID}'>\
         <addresses xmlns='{NS}'>{}</addresses></presence>",
        entries()
    ));
    harness.crash(Crash::AfterCommit);
    echo(&mut harness);
    let copies = copies(&mut harness);
    assert_eq!(copies.len(), BLIND.len() + 1);
    (0..BLIND.len()).for_each(|number| expect(&copies, number));
}

/// Presence that the first version noted: with own entries, or with the address where it stands.
fn first_note(payload: &str, slot: usize, recipients: [(&str, Option<&str>); 2]) -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).expect("short");
        assert!(length < 128, "of one byte");
        [&[length], text.as_bytes()].concat()
    };
    let mut note = vec![1, 1];
    note.extend(text("alice@example.com/phone"));
    // Available, without an id, without a language.
    note.extend([1, 0, 0]);
    note.extend(text(payload));
    note.extend([1, u8::try_from(slot).expect("short"), 2]);
    for (jid, own) in recipients {
        note.extend(text(jid));
        note.push(u8::from(own.is_some()));
        note.extend(own.map(text).unwrap_or_default());
    }
    note
}

#[test]
fn presence_that_an_older_program_noted_is_told_again() {
    let mut harness = open(json!({}));
    harness.hold();
    harness.stanza(&format!(
        "<presence from='alice@example.com/phone' to='{JID}'>\
         <addresses xmlns='{NS}'>{}</addresses></presence>",
        BLIND[0].1
    ));
    harness.crash(Crash::AfterCommit);
    let (a, b) = (("a@example.com", BLIND[0].1), ("c@example.com", BLIND[2].1));
    let head = format!("<addresses xmlns='{NS}'>");
    let entry = "<address type='bcc' jid='";
    let own = first_note(
        &format!("{head}</addresses>"),
        head.len(),
        [(a.0, Some(a.1)), (b.0, Some(b.1))],
    );
    let alike = first_note(
        &format!("{head}{entry}'/></addresses>"),
        head.len() + entry.len(),
        [(a.0, None), (b.0, None)],
    );
    let note = harness.store().table(unconfirmed::TABLE).pop().expect("a note");
    for (first, c) in [(own, b.1), (alike, "<address type='bcc' jid='c@example.com'/>")] {
        let mut store = harness.store().clone();
        store.commit(&[Op::put(unconfirmed::TABLE, note.key.to_vec(), first)]);
        let common = annex_testkit::common(JID);
        let mut harness =
            Harness::over(store, move || Service::<Multicast>::new(common.clone(), &json!({})));
        echo(&mut harness);
        let [a_copy, c_copy] = &copies(&mut harness)[..] else { panic!("two copies") };
        for (copy, to, own) in [(a_copy, a.0, a.1), (c_copy, b.0, c)] {
            assert!(copy.contains(&format!(" to='{to}'")) && has(copy, own), "{copy}");
            assert_eq!(copy.matches("<address ").count(), 1, "{copy}");
        }
    }
}
