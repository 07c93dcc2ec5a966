//! Whether the sender's address may stay, and what is done where it may not.

use serde_json::json;

use crate::common::{JID, NS, echo, error, from, message, start, to};

#[test]
fn where_the_probe_comes_back_the_sender_stays() {
    let mut harness = start(json!({}));
    harness.stanza(&message(&to("a@example.com")));
    let sent = harness.take_to("alice@example.com/phone");
    sent[0].expect(
        "<message type='error' etc=''><error type='wait'>
         <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><etc/></error></message>",
    );
    echo(&mut harness);
    harness.take();
    harness.stanza(&message(&to("a@example.com")));
    harness.take()[0].expect("<message from='alice@example.com/phone' etc=''><etc/></message>");
}

#[test]
fn where_no_probe_comes_back_nothing_is_delivered() {
    let mut harness = start(json!({}));
    harness.take();
    harness.advance(std::time::Duration::from_secs(11));
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
    let status = harness.verb("status", json!({})).expect("an answer");
    let status = String::from_utf8_lossy(&status.body).into_owned();
    assert!(status.contains("refused by the server"), "{status}");
}

#[test]
fn a_probe_that_breaks_the_stream_twice_is_not_sent_a_third_time() {
    let mut harness = start(json!({}));
    for _ in 0..2 {
        assert_eq!(harness.take_to(JID).len(), 1);
        harness.disconnect();
        harness.connect();
    }
    assert_eq!(harness.take_to(JID).len(), 0);
    harness.take();
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
}

#[test]
fn with_privilege_messages_leave_from_the_bare_address_in_both_namespaces() {
    for ns in ["urn:xmpp:privilege:1", "urn:xmpp:privilege:2"] {
        let mut harness = start(json!({ "from_fallback": "privilege" }));
        harness.advance(std::time::Duration::from_secs(11));
        harness.take();
        harness.stanza(&message(&to("a@example.com")));
        assert_eq!(error(&mut harness).0, "forbidden");
        harness.stanza(&format!(
            "<message from='example.com' to='{JID}'><privilege xmlns='{ns}'>
             <perm access='message' type='outgoing'/></privilege></message>"
        ));
        harness.stanza(&message(
            "<address type='to' jid='a@example.com'/><address type='bcc' jid='b@example.net'/>\
             <address type='bcc' desc='C' jid='c@example.net'/>",
        ));
        let sent = harness.take();
        assert_eq!(sent.len(), 3);
        let header = "<address type='to' jid='a@example.com' delivered='true'/>";
        for (copy, (to, own)) in sent.iter().zip([
            ("a@example.com", ""),
            ("b@example.net", "<address type='bcc' jid='b@example.net'/>"),
            ("c@example.net", "<address type='bcc' desc='C' jid='c@example.net'/>"),
        ]) {
            copy.expect(&format!(
                "<message from='{JID}' to='example.com'><privilege xmlns='{ns}'>\
                 <forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' id='m1' \
                 from='alice@example.com' to='{to}'><addresses xmlns='{NS}'>{header}{own}\
                 </addresses><body>Hello</body></message></forwarded></privilege></message>"
            ));
        }
        harness.stanza(&from("dave@example.net/x", &to("a@example.com")));
        assert_eq!(error(&mut harness).0, "forbidden");
        harness.stanza(
            &message(&to("a@example.com"))
                .replace("message", "presence")
                .replace("<body>Hello</body>", ""),
        );
        assert!(harness.take()[0].xml.contains("forbidden"));
    }
}

#[test]
fn only_the_users_own_server_gives_permissions() {
    let mut harness = start(json!({ "from_fallback": "privilege" }));
    harness.advance(std::time::Duration::from_secs(11));
    harness.take();
    harness.stanza(&format!(
        "<message from='evil.net' to='{JID}'><privilege xmlns='urn:xmpp:privilege:2'>
         <perm access='message' type='outgoing'/></privilege></message>"
    ));
    harness.take();
    harness.stanza(&from("x@evil.net/y", &to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
}
