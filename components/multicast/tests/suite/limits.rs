//! Who may use the service, with how many addresses, and whom they reach (XEP-0033 §2.2, §9).

use serde_json::json;

use crate::common::{JID, NS, error, from, message, open, recipients, to};

/// Case M6.
#[test]
fn above_the_limit_nobody_receives_and_what_was_delivered_is_not_counted() {
    let many = |n: usize| (0..n).map(|i| to(&format!("u{i}@example.com"))).collect::<String>();
    let marked = "<address type='cc' jid='z@example.com' delivered='true'/>";
    for (sender, limit) in [("alice@example.com/x", 50), ("dave@example.net/x", 25)] {
        let mut harness = open(json!({}));
        harness.stanza(&from(sender, &(many(limit) + marked)));
        assert_eq!(harness.take().len(), limit);
        harness.stanza(&from(sender, &many(limit + 1)));
        assert_eq!(error(&mut harness).0, "not-acceptable");
    }
    let mut harness = open(json!({ "listed": ["example.net"], "limit_listed": 60 }));
    harness.stanza(&from("dave@example.net/x", &many(60)));
    assert_eq!(harness.take().len(), 60);
}

/// Case M6.
#[test]
fn discovery_tells_each_asker_its_own_limit() {
    let mut harness = open(json!({}));
    for (asker, limit) in [("alice@example.com/x", "50"), ("dave@example.net/x", "25")] {
        harness.stanza(&format!(
            "<iq type='get' id='1' from='{asker}' to='{JID}'>
             <query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
        ));
        let xml = harness.take().remove(0).xml;
        assert!(
            xml.contains("<identity category='service' type='multicast' name='Annex'/>"),
            "{xml}"
        );
        assert!(xml.contains(&format!("<feature var='{NS}'/>")), "{xml}");
        for field in ["message", "presence"] {
            let field =
                format!("<field var='{field}' type='text-single'><value>{limit}</value></field>");
            assert!(xml.contains(&field), "{xml}");
        }
    }
}

#[test]
fn no_more_is_promised_than_the_general_limits_leave_room_for() {
    let mut harness = open(json!({ "limit_local": 10_000 }));
    let mut field = |var: &str| -> usize {
        harness.stanza(&format!(
            "<iq type='get' id='1' from='alice@example.com/x' to='{JID}'>
             <query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
        ));
        let xml = harness.take().remove(0).xml;
        let value = xml.split_once(&format!("<field var='{var}' type='text-single'><value>"));
        let value = value.and_then(|(_, rest)| rest.split_once('<')).expect("a field").0;
        value.parse().expect("a number")
    };
    let common = annex_testkit::common(JID);
    let (message, presence) = (field("message"), field("presence"));
    assert!(message > 900 && message < common.children, "{message}");
    let many = (0..presence).map(|i| to(&format!("u{i}@example.com"))).collect::<String>();
    assert!(presence > 200 && many.len() < common.presence - 1024, "{presence}");
}

#[test]
fn nothing_is_promised_to_whom_access_is_not_given() {
    let mut harness = open(json!({ "access": "local" }));
    for (asker, offered) in [("alice@example.com/x", true), ("dave@example.net/x", false)] {
        harness.stanza(&format!(
            "<iq type='get' id='1' from='{asker}' to='{JID}'>
             <query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
        ));
        let xml = harness.take().remove(0).xml;
        assert!(xml.contains("category='service'"), "{xml}");
        assert_eq!(xml.contains(NS), offered, "{xml}");
    }
}

/// Case M15.
#[test]
fn from_elsewhere_to_elsewhere_is_forbidden_and_nobody_receives() {
    let mut harness = open(json!({}));
    harness.stanza(&from("dave@example.net/x", &(to("a@example.com") + &to("b@example.org"))));
    let (condition, text) = error(&mut harness);
    assert!(condition == "forbidden" && text.contains("b@example.org"), "{text}");
    harness.stanza(&from("dave@example.net/x", &to("a@example.com")));
    assert_eq!(recipients(&harness.take()), ["a@example.com"]);
}

#[test]
fn access_is_refused_to_whom_it_is_not_given() {
    let mut harness = open(json!({ "access": "local" }));
    harness.stanza(&from("dave@example.net/x", &to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
    let mut harness = open(json!({ "access": "listed", "listed": ["alice@example.com"] }));
    harness.stanza(&from("bob@example.com/x", &to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(harness.take().len(), 1);
}

#[test]
fn nothing_is_promised_without_the_permission_that_it_needs() {
    let mut harness = crate::common::start(json!({ "from_fallback": "privilege" }));
    harness.take();
    harness.advance(std::time::Duration::from_secs(11));
    harness.take();
    let is_offered = |asker: &str, harness: &mut crate::common::Machine| {
        harness.stanza(&format!(
            "<iq type='get' id='1' from='{asker}' to='{JID}'>
             <query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
        ));
        harness.take_to(asker)[0].xml.contains(NS)
    };
    assert!(!is_offered("alice@example.com/x", &mut harness));
    harness.stanza(&format!(
        "<message from='example.com' to='{JID}'><privilege xmlns='urn:xmpp:privilege:2'>
         <perm access='message' type='outgoing'/></privilege></message>"
    ));
    assert!(is_offered("alice@example.com/x", &mut harness));
    assert!(!is_offered("dave@example.net/x", &mut harness));
}
