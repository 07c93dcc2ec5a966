//! Whether the sender's address may stay, and what is done where it may not.

use std::time::Duration;

use annex_multicast::Multicast;
use annex_service::{
    component::Component as _,
    input::{Ending, Input},
    machine::Machine as _,
    service::Service,
};
use annex_testkit::Harness;
use serde_json::{Value, json};

use crate::common::{JID, Machine, NS, echo, error, from, message, recipients, start, to};

fn status(harness: &mut Machine) -> Value {
    harness.machine().status()
}

/// Case M5.
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

/// Case M5.
#[test]
fn where_no_probe_comes_back_nothing_is_delivered() {
    let mut harness = start(json!({}));
    harness.advance(Duration::from_secs(11));
    assert_eq!(harness.take_to(JID).len(), 4);
    harness.take();
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
    assert_eq!(status(&mut harness)["senders_addresses"], "refused by the server");
}

#[test]
fn a_probe_that_gets_lost_is_sent_again_before_that_means_anything() {
    let mut harness = start(json!({}));
    harness.advance(Duration::from_secs(9));
    let probes = harness.take_to(JID);
    assert_eq!(probes.len(), 4);
    harness.take();
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(error(&mut harness).0, "resource-constraint", "not yet");
    for probe in probes {
        harness.stanza(&probe.xml);
        assert_eq!(status(&mut harness)["from_kept"], 1);
    }
    harness.take();
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(recipients(&harness.take()), ["a@example.com"], "the others came to nothing");
    harness.advance(Duration::from_secs(60));
    assert!(harness.take_to(JID).is_empty());
}

#[test]
fn a_probe_that_comes_back_in_another_name_is_no_permission() {
    let mut harness = start(json!({}));
    let probe = harness.take_to(JID).pop().expect("a probe");
    let sender = probe.element().attr("from").expect("a sender").to_owned();
    harness.stanza(&probe.xml.replace(&sender, JID));
    assert_eq!(status(&mut harness)["from_kept"], 0);
    assert!(status(&mut harness)["trouble"].is_string());
    harness.take();
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
}

#[test]
fn a_probe_over_which_the_server_ends_the_stream_is_sent_again_after_a_pause_and_on_a_new_stream() {
    let mut harness = start(json!({}));
    for pause in [60, 120, 240] {
        assert_eq!(harness.take_to(JID).len(), 1);
        harness.disconnect_by(Ending::InvalidFrom);
        harness.connect();
        harness.take();
        harness.stanza(&message(&to("a@example.com")));
        assert_eq!(error(&mut harness).0, "forbidden");
        assert!(status(&mut harness)["trouble"].is_string());
        harness.advance(Duration::from_secs(pause - 1));
        assert!(harness.take().is_empty(), "no probe yet");
        harness.advance(Duration::from_secs(1));
        // A server keeps to what it was set to when the stream began.
        assert_eq!(harness.take_to(JID).len(), 1);
        harness.disconnect_by(Ending::InvalidFrom);
        harness.connect();
    }
    echo(&mut harness);
    assert_eq!(status(&mut harness)["from_kept"], 1);
    assert!(status(&mut harness)["trouble"].is_null());
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(harness.take_to("a@example.com").len(), 1);
}

#[test]
fn a_new_stream_that_was_asked_for_is_asked_at_once() {
    let mut harness = start(json!({}));
    harness.disconnect_by(Ending::InvalidFrom);
    harness.connect();
    harness.take();
    harness.disconnect_by(Ending::Renewed);
    harness.connect();
    echo(&mut harness);
    assert_eq!(status(&mut harness)["from_kept"], 1);
}

#[test]
fn a_server_that_comes_back_after_a_stream_without_a_probe_is_asked_at_once() {
    let mut harness = start(json!({}));
    for _ in 0..2 {
        harness.disconnect_by(Ending::InvalidFrom);
        harness.connect();
        harness.take();
        harness.disconnect();
        harness.connect();
    }
    echo(&mut harness);
    assert_eq!(status(&mut harness)["from_kept"], 1);
}

#[test]
fn settings_that_change_let_the_server_be_asked_at_once() {
    let mut harness = start(json!({}));
    harness.disconnect_by(Ending::InvalidFrom);
    harness.connect();
    harness.take();
    let mut common = annex_testkit::common(JID);
    common.foreign_from = false;
    let config = |common| Input::Config { common, section: json!({}) };
    harness.input(config(common));
    harness.advance(Duration::from_secs(4_000));
    assert!(harness.take().is_empty(), "no probe into a gate that lets none out");
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
    harness.input(config(annex_testkit::common(JID)));
    echo(&mut harness);
    assert_eq!(status(&mut harness)["from_kept"], 1);
}

#[test]
fn a_probe_that_comes_back_where_senders_may_not_leave_is_no_permission() {
    let mut harness = start(json!({}));
    let probe = harness.take_to(JID).pop().expect("a probe");
    let mut common = annex_testkit::common(JID);
    common.foreign_from = false;
    harness.input(Input::Config { common, section: json!({}) });
    harness.stanza(&probe.xml);
    assert_eq!(status(&mut harness)["from_kept"], 0);
}

#[test]
fn streams_that_break_by_chance_refuse_nobody() {
    let mut harness = start(json!({}));
    for _ in 0..2 {
        assert_eq!(harness.take_to(JID).len(), 1);
        harness.disconnect();
        harness.connect();
    }
    echo(&mut harness);
    harness.take();
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(harness.take_to("a@example.com").len(), 1);
    // One that always breaks is not driven in a circle.
    for _ in 0..3 {
        harness.disconnect();
        harness.connect();
    }
    harness.take();
    harness.disconnect();
    harness.connect();
    assert_eq!(harness.take_to(JID).len(), 0);
    assert!(status(&mut harness)["trouble"].is_string());
    harness.take();
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(error(&mut harness).0, "resource-constraint");
}

#[test]
fn a_probe_that_comes_back_late_counts() {
    let mut harness = start(json!({}));
    let probe = harness.take_to(JID).pop().expect("a probe");
    harness.advance(Duration::from_secs(11));
    harness.take();
    assert_eq!(status(&mut harness)["from_kept"], 0);
    harness.stanza(&probe.xml);
    assert!(harness.take().is_empty());
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(harness.take_to("a@example.com").len(), 1);
}

#[test]
fn a_verdict_holds_for_its_stream() {
    let mut harness = start(json!({}));
    harness.advance(Duration::from_secs(11));
    harness.take();
    harness.disconnect();
    harness.connect();
    echo(&mut harness);
    harness.take();
    harness.disconnect();
    assert_eq!(status(&mut harness)["from_kept"], 0);
    harness.connect();
    harness.stanza(&message(&to("a@example.com")));
    assert!(harness.take_to("a@example.com").is_empty());
    assert!(harness.take_to("alice@example.com/phone")[0].xml.contains("type='wait'"));
}

#[test]
fn without_users_the_service_says_so() {
    let mut common = annex_testkit::common(JID);
    common.local_domains = Vec::new();
    let mut harness: Machine = Harness::new(move || Service::new(common.clone(), &json!({})));
    assert!(harness.take().is_empty());
    harness.stanza(&message(&to("a@example.com")));
    let (condition, text) = error(&mut harness);
    assert!(condition == "forbidden" && text.contains("local_domains"), "{text}");
    let status = status(&mut harness);
    assert!(status["trouble"].as_str().is_some_and(|text| text.contains("local_domains")));
}

#[test]
fn what_the_settings_rule_out_is_not_laid_to_the_server() {
    let mut common = annex_testkit::common(JID);
    common.foreign_from = false;
    let mut harness: Machine = Harness::new(move || Service::new(common.clone(), &json!({})));
    assert_eq!(status(&mut harness)["senders_addresses"], "ruled out by the settings");
}

/// Case M5.
#[test]
fn with_privilege_messages_leave_from_the_bare_address_in_both_namespaces() {
    for ns in ["urn:xmpp:privilege:1", "urn:xmpp:privilege:2"] {
        let mut harness = start(json!({ "from_fallback": "privilege" }));
        harness.advance(Duration::from_secs(11));
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
                "<message id='{{id}}' from='{JID}' to='example.com'><privilege xmlns='{ns}'>\
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

/// The server gives its permission.
fn permit(harness: &mut Machine) {
    harness.stanza(&format!(
        "<message from='example.com' to='{JID}'><privilege xmlns='urn:xmpp:privilege:2'>
         <perm access='message' type='outgoing'/></privilege></message>"
    ));
}

/// A service that uses permissions, and whose server does not let senders stay.
fn privileged() -> Machine {
    let mut harness = start(json!({ "from_fallback": "privilege" }));
    harness.advance(Duration::from_secs(11));
    permit(&mut harness);
    harness.take();
    harness
}

#[test]
fn what_was_sent_with_a_permission_and_may_not_have_arrived_is_sent_again() {
    let mut harness = privileged();
    assert!(status(&mut harness)["trouble"].is_null(), "it works");
    harness.hold();
    harness.stanza(&message(&to("a@example.com")));
    harness.crash(annex_testkit::Crash::AfterCommit);
    harness.advance(Duration::from_secs(11));
    assert!(!harness.take_to("example.com").iter().any(|one| one.xml.contains("Hello")));
    permit(&mut harness);
    let sent = harness.take_to("example.com");
    assert!(sent.len() == 1 && sent[0].xml.contains("to='a@example.com'"), "{sent:?}");
    harness.stanza(&message(&to("b@example.com")));
    assert_eq!(harness.take_to("example.com").len(), 1);
}

#[test]
fn of_an_envelope_that_the_server_gives_back_the_sender_is_told_once() {
    let mut harness = privileged();
    harness.stanza(&message(&(to("a@example.com") + &to("b@example.com"))));
    let sent = harness.take();
    let id = sent[0].element().attr("id").expect("an id").to_owned();
    let error = |from: &str| {
        format!(
            "<message type='error' id='{id}' from='{from}' to='{JID}'><error type='auth'>\
             <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
        )
    };
    harness.stanza(&error("example.net"));
    harness.stanza(&error("mallory@example.com/x"));
    assert!(harness.take().is_empty(), "only its own server knows");
    harness.stanza(&error("example.com"));
    harness.stanza(&error("example.com"));
    let told = harness.take();
    assert_eq!(told.len(), 1);
    told[0].expect(&format!(
        "<message type='error' id='m1' from='{JID}' to='alice@example.com/phone'>\
         <error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><etc/></error>\
         </message>"
    ));
}

#[test]
fn with_permissions_only_the_server_is_not_asked_in_vain() {
    let mut common = annex_testkit::common(JID);
    common.foreign_from = false;
    let section = json!({ "from_fallback": "privilege" });
    let mut harness: Machine = Harness::new(move || Service::new(common.clone(), &section));
    assert!(harness.take().is_empty());
    assert!(!Multicast::needs_from(&json!({ "from_fallback": "privilege" })));
    assert!(Multicast::needs_from(&json!({})));
    permit(&mut harness);
    harness.stanza(&message(&to("a@example.com")));
    assert_eq!(harness.take_to("example.com").len(), 1);
}

#[test]
fn a_server_that_gives_permissions_is_not_asked_again_over_settings() {
    let mut harness = privileged();
    let section = json!({ "from_fallback": "privilege", "limit_local": 7 });
    harness.input(Input::Config { common: annex_testkit::common(JID), section });
    assert!(harness.take().is_empty(), "its stream could end over it");
    let entries: String = (0..8).map(|number| to(&format!("u{number}@example.com"))).collect();
    harness.stanza(&message(&entries));
    assert_eq!(error(&mut harness).0, "not-acceptable");
}

#[test]
fn only_the_users_own_server_gives_permissions() {
    let mut harness = start(json!({ "from_fallback": "privilege" }));
    harness.advance(Duration::from_secs(11));
    harness.take();
    harness.stanza(&format!(
        "<message from='evil.net' to='{JID}'><privilege xmlns='urn:xmpp:privilege:2'>
         <perm access='message' type='outgoing'/></privilege></message>"
    ));
    harness.take();
    harness.stanza(&from("x@evil.net/y", &to("a@example.com")));
    assert_eq!(error(&mut harness).0, "forbidden");
}
