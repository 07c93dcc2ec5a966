//! What is refused, and how it is named (XEP-0033 §3, §4, §9).

use serde_json::json;

use crate::common::{JID, NS, error, has, message, open, to};

/// Case M7.
#[test]
fn a_uri_fails_the_whole_or_only_itself_and_is_named() {
    let entries = to("a@example.com") + "<address type='cc' uri='sip:x@y'/>";
    let mut harness = open(json!({}));
    harness.stanza(&message(&entries));
    let (condition, text) = error(&mut harness);
    assert_eq!(condition, "jid-malformed");
    assert!(text.contains("sip:x@y"), "{text}");

    let mut harness = open(json!({ "bad_address": "itself" }));
    harness.stanza(&message(&entries));
    let copies = harness.take_to("a@example.com");
    assert_eq!(copies.len(), 1);
    assert!(!copies[0].xml.contains("sip:"));
    let (condition, text) = error(&mut harness);
    assert!(condition == "jid-malformed" && text.contains("sip:x@y"), "{text}");
}

#[test]
fn an_address_that_is_none_or_lacks_what_it_needs_is_refused() {
    for (bad, condition) in [
        ("<address type='to' jid='@x'/>", "jid-malformed"),
        ("<address type='to' desc='Joe'/>", "bad-request"),
        ("<address type='to' jid='b@x' uri='im:b@x'/>", "bad-request"),
        ("<address type='to' uri='im:b@x' node='n'/>", "bad-request"),
        ("<address type='replyto' desc='x'/>", "bad-request"),
        ("<address jid='b@x'/>", "bad-request"),
        ("<address type='to' jid='multicast.example.com'/>", "item-not-found"),
    ] {
        let mut harness = open(json!({}));
        harness.stanza(&message(&(to("a@example.com") + bad)));
        // RFC 6120 §8.3.3
        let sent = harness.take_to("alice@example.com/phone").pop().expect("an error");
        let kind = if condition == "item-not-found" { "cancel" } else { "modify" };
        let error = format!("<error type='{kind}'><{condition} ");
        assert!(sent.xml.contains(&error), "{bad}: {sent}");
    }
}

#[test]
fn a_faulty_address_is_quoted_in_part_and_what_is_large_is_not_sent_back() {
    let mut harness = open(json!({}));
    let long = "é".repeat(75_000);
    for bad in [
        format!("<address type='to' jid='@{long}'/>"),
        format!("<address type='to' uri='sip:{long}'/>"),
        format!("<address type='to' jid='@' desc='{long}'/>"),
    ] {
        harness.stanza(&message(&(to("a@example.com") + &bad + "<address type='cc' jid='@@'/>")));
        let sent = harness.take();
        assert_eq!(sent.len(), 1);
        let xml = &sent[0].xml;
        assert!(xml.len() < 4096 && xml.contains("<jid-malformed"), "{xml}");
        assert!(has(xml, "<address type='cc' jid='@@'/>"), "{xml}");
    }
}

/// Case M8.
#[test]
fn an_unknown_type_fails_by_itself_and_unknown_children_are_kept() {
    let mut harness = open(json!({}));
    let kept = "<address type='to' jid='a@example.com' x='1'>\
                <group xmlns='some:ns'><i/>foo &amp; bar</group></address>";
    let foreign = "<thing xmlns='other:ns' type='to' jid='c@example.com'/>";
    harness.stanza(&message(&format!("{kept}{foreign}<address type='wat' jid='b@example.com'/>")));
    let copies = harness.take_to("a@example.com");
    let marked = kept.replace(" x='1'>", " x='1' delivered='true'>");
    assert!(has(&copies[0].xml, &(marked + foreign)), "{}", copies[0]);
    let (condition, text) = error(&mut harness);
    assert!(condition == "bad-request" && text.contains("b@example.com"), "{text}");
}

/// Case M10.
#[test]
fn without_any_address_it_is_a_bad_request() {
    let mut harness = open(json!({ "strip_replyto": true }));
    let passed = "<address type='noreply'/>";
    for nobody in ["", passed, "<address type='replyto' jid='b@example.com'/>"] {
        harness.stanza(&message(nobody));
        assert_eq!(error(&mut harness).0, "bad-request", "{nobody}");
    }
    harness.stanza(&format!(
        "<message from='alice@example.com/x' to='{JID}'><body>x</body></message>"
    ));
    assert_eq!(error(&mut harness).0, "bad-request");
    let twice = message(&to("a@example.com")).replace(
        "<body>",
        &format!("<addresses xmlns='{NS}'><address type='noreply'/></addresses><body>"),
    );
    harness.stanza(&twice);
    assert_eq!(error(&mut harness).0, "bad-request");
}

/// Case M11.
#[test]
fn addresses_in_an_iq_are_a_bad_request() {
    let mut harness = open(json!({}));
    for kind in ["get", "set"] {
        harness.stanza(&format!(
            "<iq type='{kind}' id='1' from='alice@example.com/x' to='{JID}'>
             <addresses xmlns='{NS}'><address type='to' jid='a@b'/></addresses></iq>"
        ));
        assert_eq!(error(&mut harness).0, "bad-request");
    }
}

/// Case M12.
#[test]
fn the_service_is_written_to_without_local_part_and_resource() {
    for address in
        ["multicast.example.com/x", "list@multicast.example.com", "a@multicast.example.com/b"]
    {
        let mut harness = open(json!({}));
        let stanza = message(&to("a@example.com"))
            .replace(&format!("to='{JID}'"), &format!("to='{address}'"));
        harness.stanza(&stanza);
        let sent = harness.take();
        assert!(sent.len() == 1 && sent[0].xml.contains("<item-not-found"), "{sent:?}");
    }
}
