//! A service of another server is tried out before it gets anything (XEP-0033 §2.2, §9).

use std::time::Duration;

use serde_json::json;

use crate::common::{
    JID, Machine, NS, advertised, canonical, feature, message, open, question, recipients, to,
};

const SERVICE: &str = "mc.example.net";

fn entries() -> String {
    to("a@example.net") + &to("b@example.net")
}

/// Whom a message to two of its users leaves for, without questions and trials.
fn goes_to(harness: &mut Machine) -> Vec<String> {
    harness.take();
    harness.stanza(&message(&entries()));
    let sent = harness.take();
    sent.iter().filter(|one| one.xml.contains("Hello")).map(|one| one.to.clone()).collect()
}

const SINGLE: [&str; 2] = ["a@example.net", "b@example.net"];

/// Its service has said that it is one.
fn tried() -> Machine {
    let mut harness = open(json!({}));
    harness.stanza(&message(&entries()));
    advertised(&mut harness, "example.net", SERVICE, None);
    harness
}

/// The ids of the trial and of the question behind it.
fn trial(harness: &mut Machine) -> [String; 2] {
    let sent = harness.take_to(SERVICE);
    let id = |kind| {
        let one = sent.iter().find(|one| one.xml.starts_with(kind) && !one.xml.contains("Hello"));
        one.expect("a trial").element().attr("id").expect("an id").to_owned()
    };
    [id("<message"), id("<iq")]
}

fn refusal(id: &str, from: &str, kind: &str) -> String {
    format!(
        "<{kind} type='error' id='{id}' from='{from}' to='{JID}'><error type='auth'>
         <forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></{kind}>"
    )
}

#[test]
fn a_trial_is_for_the_server_alone_and_a_question_is_behind_it() {
    let mut harness = tried();
    let sent = harness.take_to(SERVICE);
    assert_eq!(recipients(&sent), [SERVICE; 2]);
    let id = sent[0].element().attr("id").expect("an id").to_owned();
    let wanted = format!(
        "<message type='headline' id='{id}' from='{JID}' to='{SERVICE}'>\
         <addresses xmlns='{NS}'><address type='bcc' jid='example.net'/></addresses></message>"
    );
    assert_eq!(canonical(&sent[0].xml), canonical(&wanted));
    assert!(sent[1].xml.starts_with("<iq") && sent[1].xml.contains("disco#info"), "{}", sent[1]);
}

#[test]
fn a_service_gets_nothing_before_its_trial_is_over() {
    let mut harness = tried();
    let [_, fence] = trial(&mut harness);
    assert_eq!(goes_to(&mut harness), SINGLE);
    harness.stanza(&feature(&fence, SERVICE, None));
    assert_eq!(goes_to(&mut harness), [SERVICE]);
}

#[test]
fn a_service_that_refuses_the_trial_gets_nothing_until_it_is_asked_again() {
    let mut harness = tried();
    let [id, fence] = trial(&mut harness);
    harness.stanza(&refusal(&id, SERVICE, "message"));
    harness.stanza(&feature(&fence, SERVICE, None));
    assert_eq!(goes_to(&mut harness), SINGLE);
    harness.advance(Duration::from_secs(3_601));
    harness.stanza(&message(&entries()));
    question(&mut harness, "example.net");
}

#[test]
fn a_refusal_of_the_trial_that_comes_late_counts_and_that_of_strangers_does_not() {
    let mut harness = tried();
    let [id, fence] = trial(&mut harness);
    harness.stanza(&feature(&fence, SERVICE, None));
    harness.stanza(&refusal(&id, "evil.org", "message"));
    harness.stanza(&refusal(&id, "example.net", "message"));
    harness.stanza(&refusal(&id, SERVICE, "iq"));
    assert_eq!(goes_to(&mut harness), [SERVICE]);
    harness.stanza(&refusal(&id, SERVICE, "message"));
    assert_eq!(goes_to(&mut harness), SINGLE);
}

#[test]
fn a_service_that_does_not_answer_behind_the_trial_gets_nothing() {
    let mut harness = tried();
    let [_, fence] = trial(&mut harness);
    harness.advance(Duration::from_secs(11));
    assert_eq!(goes_to(&mut harness), SINGLE);
    harness.stanza(&feature(&fence, SERVICE, None));
    assert_eq!(goes_to(&mut harness), SINGLE);
}

#[test]
fn a_service_in_use_is_tried_out_again_and_one_that_refuses_by_then_gets_no_more() {
    let mut harness = tried();
    let [_, fence] = trial(&mut harness);
    harness.stanza(&feature(&fence, SERVICE, None));
    harness.advance(Duration::from_secs(601));
    harness.stanza(&message(&entries()));
    let [id, fence] = trial(&mut harness);
    assert_eq!(goes_to(&mut harness), [SERVICE], "nothing waits");
    harness.stanza(&refusal(&id, SERVICE, "message"));
    harness.stanza(&feature(&fence, SERVICE, None));
    assert_eq!(goes_to(&mut harness), SINGLE);
}

/// As another service of ours takes it.
#[test]
fn the_trial_of_another_service_is_delivered_to_the_server_and_not_answered() {
    let mut harness = open(json!({}));
    harness.stanza(&format!(
        "<message type='headline' id='t' from='multicast.example.net' to='{JID}'>\
         <addresses xmlns='{NS}'><address type='bcc' jid='example.com'/></addresses></message>"
    ));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["example.com"]);
    assert_eq!(sent[0].element().attr("type"), Some("headline"));
}
