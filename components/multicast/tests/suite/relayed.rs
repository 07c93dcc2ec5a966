//! What the service of another server gets: a header that any of them can read (XEP-0033 §6, step
//! 11), and what becomes of the parts of a stanza.

use serde_json::json;

use crate::common::{JID, Machine, discovered, has, message, open, recipients, to};

const SERVICE: &str = "mc.example.net";

fn with_service(limit: Option<usize>) -> Machine {
    let mut harness = open(json!({ "bad_address": "itself" }));
    harness.stanza(&message(&(to("a@example.net") + &to("b@example.net"))));
    discovered(&mut harness, "example.net", SERVICE, limit);
    harness.take();
    harness
}

fn entry(kind: &str, jid: &str, more: &str) -> String {
    format!("<address type='{kind}' jid='{jid}'{more}/>")
}

/// An address that a strict reader refuses takes all others with it.
#[test]
fn nothing_is_relayed_with_an_address_that_another_server_may_refuse() {
    let both = to("a@example.net") + &to("b@example.net");
    for odd in [
        entry("cc", "bob@example.com/📱", ""),
        entry("cc", "📱@example.org", ""),
        entry("cc", "c@example.net/\u{202e}", ""),
        entry("replyto", "\u{e000}@example.com", ""),
        entry("ofrom", "אa@example.com", ""),
        entry("cc", "📱@example.org", " delivered='true'"),
        entry("to", "@", " delivered='true'"),
        entry("to", "", " delivered='true'"),
        entry("replyto", "c@example.org", "").replace("/>", "><address type='x'/></address>"),
    ] {
        let mut harness = with_service(None);
        harness.stanza(&message(&(both.clone() + &odd)));
        let sent = harness.take();
        let to: Vec<_> = recipients(&sent);
        assert!(to.contains(&"a@example.net") && to.contains(&"b@example.net"), "{odd}: {to:?}");
        assert!(!to.contains(&SERVICE), "{odd}");
        harness.stanza(&message(&both));
        assert_eq!(recipients(&harness.take()), [SERVICE], "the next is relayed");
    }
}

#[test]
fn what_another_server_does_not_see_or_read_keeps_nothing_from_being_relayed() {
    let both = to("a@example.net") + &to("b@example.net");
    let mut harness = with_service(None);
    let blind = entry("bcc", "c@example.net/📱", "") + &entry("bcc", "d@example.org/📱", "");
    let uri = "<address type='to' uri='sip:x' delivered='true'/>";
    let foreign = "<x xmlns='urn:x' delivered='1' jid='@'/>";
    harness.stanza(&message(&(both + uri + foreign + "<address type='noreply'/>" + &blind)));
    let sent = harness.take();
    let mut to = recipients(&sent);
    to.sort_unstable();
    assert_eq!(to, ["c@example.net/📱", "d@example.org/📱", SERVICE]);
    let relayed = sent.iter().find(|one| one.to == SERVICE).expect("a copy");
    assert!(relayed.xml.contains(foreign) && relayed.xml.contains("sip:x"), "{relayed}");
}

#[test]
fn remembered_presence_is_relayed_to_those_whose_address_a_strict_server_takes() {
    let mut harness = with_service(None);
    let all = ["a@example.net", "b@example.net", "c@example.net/📱"].map(to).concat();
    let presence = message(&all).replace("message", "presence").replace("Hello", "");
    harness.stanza(&presence.replace("<body></body>", ""));
    let sent = harness.take();
    assert!(!recipients(&sent).contains(&SERVICE));
    let end = format!("<presence type='unavailable' from='alice@example.com/phone' to='{JID}'/>");
    harness.stanza(&end);
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["c@example.net/📱", SERVICE]);
}

/// Whatever it says: some read a boolean, some refuse what is none.
#[test]
fn what_is_bound_for_a_service_is_not_marked_and_else_the_mark_is_true_or_none() {
    for said in ["1", "0", "false", "TRUE", ""] {
        let said = format!(" delivered='{said}'");
        let inner = " desc='d'><x xmlns='urn:x' delivered='1'/></address>";
        let entries = entry("to", "a@example.net", &said)
            + &entry("cc", "b@example.net", &said).replace("/>", inner)
            + &entry("bcc", "c@example.net", &said)
            + &entry("cc", "d@example.org", &said)
            + &entry("replyto", "r@example.org", &said)
            + &entry("replyroom", "room@example.org", " delivered='true'")
            + &format!("<address type='noreply'{said}/>");
        let mut harness = with_service(None);
        harness.stanza(&message(&entries));
        let relayed = harness.take_to(SERVICE).pop().expect("a copy");
        let wanted = entry("to", "a@example.net", "")
            + &entry("cc", "b@example.net", "").replace("/>", inner)
            + &entry("bcc", "c@example.net", "")
            + &entry("cc", "d@example.org", " delivered='true'")
            + &entry("replyto", "r@example.org", "")
            + &entry("replyroom", "room@example.org", " delivered='true'")
            + "<address type='noreply'/>";
        assert!(has(&relayed.xml, &wanted), "{relayed}");
    }
}

#[test]
fn a_bounce_that_has_the_addresses_is_about_the_part_that_had_them() {
    for to_us in [true, false] {
        let users = |range: std::ops::Range<usize>| -> String {
            range.map(|i| to(&format!("u{i}@example.net"))).collect()
        };
        let mut harness = with_service(Some(2));
        harness.stanza(&message(&users(0..6)));
        let parts = harness.take_to(SERVICE);
        assert_eq!(parts.len(), 3);
        let back = |part: &annex_testkit::Sent| {
            let head = part.xml.find("<addresses").expect("addresses");
            let end = part.xml.find("<body").expect("a body");
            let to = if to_us { JID } else { "alice@example.com/phone" };
            format!(
                "<message type='error' id='m1' from='{SERVICE}' to='{to}'>{}<error type='cancel'>
                 <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>",
                &part.xml[head..end]
            )
        };
        for (number, wanted) in [(1, ["u2", "u3"]), (0, ["u0", "u1"]), (2, ["u4", "u5"])] {
            harness.stanza(&back(&parts[number]));
            let wanted = wanted.map(|user| format!("{user}@example.net"));
            assert_eq!(recipients(&harness.take()), wanted);
            harness.stanza(&back(&parts[number]));
            let sent = harness.take();
            assert!(sent.iter().all(|one| !one.to.ends_with("example.net")), "once: {sent:?}");
        }
    }
}
