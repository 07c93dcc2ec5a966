//! Ping, version, time, uptime, and presence that nobody asked for.

use std::time::Duration;

use annex_service::{input::Input, service::Service};
use annex_testkit::Harness;

use crate::probe::{Probe, iq, probe};

fn ask(payload: &str, expected: &str) {
    let mut harness = probe();
    harness.advance(Duration::from_millis(90_700));
    harness.stanza(&iq("get", "probe.example.com", payload));
    let sent = harness.take();
    assert_eq!(sent.len(), 1);
    sent[0].expect(&format!(
        "<iq type='result' id='q' from='probe.example.com' to='alice@example.com/phone'>{expected}</iq>"
    ));
}

#[test]
fn ping() {
    // XEP-0199 §4.2
    ask("<ping xmlns='urn:xmpp:ping'/>", "");
}

#[test]
fn version() {
    // XEP-0092 §2
    ask(
        "<query xmlns='jabber:iq:version'/>",
        "<query xmlns='jabber:iq:version'>
           <name>annex</name><version>0.0.0</version><os>linux</os>
         </query>",
    );
}

#[test]
fn time_is_in_utc_and_whole_seconds() {
    // XEP-0202 §3
    ask(
        "<time xmlns='urn:xmpp:time'/>",
        "<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>2026-01-02T03:05:35Z</utc></time>",
    );
}

#[test]
fn last_activity_of_a_service_is_its_uptime() {
    // XEP-0012 §5
    ask("<query xmlns='jabber:iq:last'/>", "<query xmlns='jabber:iq:last' seconds='90'/>");
}

#[test]
fn a_hidden_version_is_neither_told_nor_advertised() {
    let mut common = annex_testkit::common("probe.example.com");
    common.hide_version = true;
    let mut harness =
        Harness::new(move || Service::<Probe>::new(common.clone(), &serde_json::json!({})));
    harness.stanza(&iq("get", "probe.example.com", "<query xmlns='jabber:iq:version'/>"));
    assert!(harness.take()[0].xml.contains("service-unavailable"));
    harness.stanza(&iq(
        "get",
        "probe.example.com",
        "<query xmlns='http://jabber.org/protocol/disco#info'/>",
    ));
    assert!(!harness.take()[0].xml.contains("jabber:iq:version"));
}

#[test]
fn what_belongs_to_the_service_is_not_answered_for_its_entities() {
    let mut harness = probe();
    harness.stanza(&iq("get", "a@probe.example.com", "<ping xmlns='urn:xmpp:ping'/>"));
    assert!(harness.take()[0].xml.contains("service-unavailable"));
    harness.stanza(&iq("set", "probe.example.com", "<ping xmlns='urn:xmpp:ping'/>"));
    assert!(harness.take()[0].xml.contains("service-unavailable"));
}

#[test]
fn nobody_can_subscribe_to_the_service() {
    // RFC 6121 §3.1.3, §4.3.2
    let mut harness = probe();
    for kind in ["subscribe", "probe"] {
        harness.stanza(&format!(
            "<presence type='{kind}' id='1' from='alice@example.com/phone' to='probe.example.com'/>"
        ));
        let sent = harness.take();
        assert_eq!(sent.len(), 1, "{kind}");
        sent[0].expect(
            "<presence type='unsubscribed' id='1' from='probe.example.com' to='alice@example.com'/>",
        );
    }
}

#[test]
fn other_presence_to_the_service_is_passed_over() {
    let mut harness = probe();
    for kind in ["", "unavailable", "subscribed", "unsubscribe", "unsubscribed", "error"] {
        let kind = if kind.is_empty() { String::new() } else { format!("type='{kind}'") };
        harness.stanza(&format!(
            "<presence {kind} from='alice@example.com/phone' to='probe.example.com'/>"
        ));
        assert_eq!(harness.take(), [], "{kind}");
    }
}

#[test]
fn a_stanza_to_ourselves_comes_back_without_a_word() {
    // The link's own probe: an answer would be answered.
    let mut harness = probe();
    harness.stanza("<iq type='result' id='mark' from='probe.example.com' to='probe.example.com'/>");
    harness.input(Input::Confirmed(1));
    assert_eq!(harness.take(), []);
}
