//! Who may use the service, with how many addresses, and whom they reach (XEP-0033 §2.2, §9).

use serde_json::json;

use crate::common::{JID, NS, error, from, message, open, recipients, to};

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
