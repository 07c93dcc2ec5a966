//! Presence to many: remembered, told again, and its end (XEP-0033 §5.1).

use crate::common::{JID, Machine, NS, echo, open, recipients};
use annex_service::input::Input;
use annex_testkit::Crash;
use serde_json::json;

const ALICE: &str = "alice@example.com/phone";

fn available(harness: &mut Machine, users: &[&str]) {
    let entries: String =
        users.iter().map(|user| format!("<address type='bcc' jid='{user}'/>")).collect();
    harness.stanza(&format!(
        "<presence from='{ALICE}' to='{JID}'><show>away</show>\
         <addresses xmlns='{NS}'>{entries}</addresses></presence>"
    ));
}

fn unavailable(harness: &mut Machine) {
    harness.stanza(&format!(
        "<presence type='unavailable' from='{ALICE}' to='{JID}'><status>bye</status></presence>"
    ));
}

fn restarted(harness: &mut Machine) {
    echo(harness);
    harness.take_to("example.com");
}

/// Case M16.
#[test]
fn who_got_available_presence_gets_the_unavailable_after_a_restart_too() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.com", "b@example.net"]);
    assert_eq!(recipients(&harness.take()), ["a@example.com", "b@example.net"]);
    available(&mut harness, &["b@example.net", "c@example.com/x"]);
    harness.take();
    harness.restart();
    restarted(&mut harness);
    harness.take();
    unavailable(&mut harness);
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["a@example.com", "b@example.net", "c@example.com/x"]);
    sent[0].expect(&format!(
        "<presence type='unavailable' from='{ALICE}' to='a@example.com'><status>bye</status></presence>"
    ));
    unavailable(&mut harness);
    assert!(harness.take().is_empty(), "told once");
}

#[test]
fn those_addressed_by_the_unavailable_get_it_once() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.com", "b@example.com"]);
    harness.take();
    harness.stanza(&format!(
        "<presence type='unavailable' from='{ALICE}' to='{JID}'><addresses xmlns='{NS}'>\
         <address type='to' jid='b@example.com'/><address type='to' jid='c@example.com'/>\
         </addresses></presence>"
    ));
    assert_eq!(recipients(&harness.take()), ["a@example.com", "b@example.com", "c@example.com"]);
    // Something wrong with the addresses does not keep anyone from knowing.
    available(&mut harness, &["a@example.com"]);
    harness.take();
    harness.stanza(&format!(
        "<presence type='unavailable' from='{ALICE}' to='{JID}'><addresses xmlns='{NS}'/></presence>"
    ));
    assert_eq!(recipients(&harness.take()), ["a@example.com", ALICE]);
}

#[test]
fn a_crash_between_commit_and_send_loses_no_presence() {
    let mut harness = open(json!({}));
    harness.hold();
    available(&mut harness, &["a@example.com"]);
    harness.crash(Crash::AfterCommit);
    assert!(harness.take_to("a@example.com").is_empty(), "not before it may leave");
    restarted(&mut harness);
    let told = harness.take_to("a@example.com");
    assert_eq!(told.len(), 1);
    assert!(told[0].xml.contains("<show>away</show>") && told[0].xml.contains("type='bcc'"));
    harness.take();
    harness.hold();
    unavailable(&mut harness);
    harness.crash(Crash::AfterCommit);
    restarted(&mut harness);
    let told = harness.take_to("a@example.com");
    assert!(told.len() == 1 && told[0].xml.contains("unavailable"), "{told:?}");
    harness.take();
    harness.restart();
    restarted(&mut harness);
    assert!(harness.take_to("a@example.com").is_empty(), "what is confirmed is not told again");
}

#[test]
fn who_goes_before_it_is_known_that_anything_may_leave_is_told_of_behind_what_came_before() {
    let mut harness = open(json!({}));
    harness.hold();
    available(&mut harness, &["a@example.com"]);
    harness.crash(Crash::AfterCommit);
    unavailable(&mut harness);
    assert!(harness.take_to("a@example.com").is_empty(), "not before it may leave");
    // Nor is it lost.
    harness.restart();
    restarted(&mut harness);
    let told = harness.take_to("a@example.com");
    assert_eq!(told.len(), 2);
    assert!(told[0].xml.contains("<show>") && told[1].xml.contains("type='unavailable'"));
}

#[test]
fn available_presence_waits_until_what_came_before_is_told() {
    let mut harness = open(json!({}));
    harness.disconnect();
    harness.connect();
    let probe = harness.take_to(JID).pop().expect("a probe");
    available(&mut harness, &["a@example.com"]);
    assert!(harness.take_to(ALICE)[0].xml.contains("<resource-constraint"));
    harness.stanza(&probe.xml);
    available(&mut harness, &["a@example.com"]);
    assert_eq!(harness.take_to("a@example.com").len(), 1);
}

#[test]
fn more_than_a_page_of_what_may_not_have_arrived_is_told_again_in_its_order() {
    let mut harness = open(json!({}));
    harness.hold();
    for number in 0..150 {
        available(&mut harness, &[&format!("u{number}@example.com")]);
    }
    harness.crash(Crash::AfterCommit);
    restarted(&mut harness);
    let told = harness.take();
    let told: Vec<_> = told.iter().filter(|one| one.xml.contains("<show>")).collect();
    assert_eq!(told.len(), 150);
    assert!(told.iter().enumerate().all(|(at, one)| one.to == format!("u{at}@example.com")));
}

#[test]
fn where_the_server_does_not_let_it_the_end_is_told_when_it_does() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.com"]);
    harness.restart();
    harness.advance(std::time::Duration::from_secs(11));
    harness.take();
    unavailable(&mut harness);
    assert!(harness.take().is_empty());
    harness.restart();
    restarted(&mut harness);
    let told = harness.take_to("a@example.com");
    assert!(told.len() == 1 && told[0].xml.contains("type='unavailable'"), "{told:?}");
}

#[test]
fn who_must_learn_of_an_end_stays_remembered_while_only_messages_may_leave() {
    let config = |section| Input::Config { common: annex_testkit::common(JID), section };
    for before in [true, false] {
        let mut harness = open(json!({}));
        available(&mut harness, &["a@example.com"]);
        harness.restart();
        harness.take();
        harness.input(config(json!({ "from_fallback": "privilege" })));
        harness.advance(std::time::Duration::from_secs(11));
        if before {
            unavailable(&mut harness);
        }
        harness.stanza(&format!(
            "<message from='example.com' to='{JID}'><privilege xmlns='urn:xmpp:privilege:2'>
             <perm access='message' type='outgoing'/></privilege></message>"
        ));
        if !before {
            unavailable(&mut harness);
        }
        assert!(harness.take_to("a@example.com").is_empty());
        harness.restart();
        restarted(&mut harness);
        unavailable(&mut harness);
        assert_eq!(harness.take_to("a@example.com").len(), 1);
    }
}

#[test]
fn who_is_forgotten_where_nothing_may_leave_breaks_nothing() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.com"]);
    harness.restart();
    harness.advance(std::time::Duration::from_secs(11));
    harness.take();
    harness.verb("person forget", json!({ "jid": "alice@example.com" }));
    assert!(harness.take().is_empty());
}

#[test]
fn a_crash_before_the_commit_remembers_nothing() {
    let mut harness = open(json!({}));
    harness.hold();
    available(&mut harness, &["a@example.com"]);
    harness.crash(Crash::BeforeCommit);
    restarted(&mut harness);
    harness.take();
    unavailable(&mut harness);
    assert!(harness.take().is_empty());
}

#[test]
fn after_an_outage_those_who_are_gone_are_told_of() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.com"]);
    harness.take();
    harness.disconnect();
    harness.connect();
    restarted(&mut harness);
    let ping = harness.take_to(ALICE).pop().expect("a ping").element();
    let id = ping.attr("id").expect("an id").to_owned();
    let answer = |kind: &str, error: &str| {
        format!("<iq type='{kind}' id='{id}' from='{ALICE}' to='{JID}'>{error}</iq>")
    };
    harness.stanza(&answer("result", ""));
    harness.advance(std::time::Duration::from_secs(1_000));
    assert!(harness.take_to("a@example.com").is_empty(), "still there");

    harness.disconnect();
    harness.connect();
    restarted(&mut harness);
    let ping = harness.take_to(ALICE).pop().expect("a ping").element();
    harness.stanza(&format!(
        "<iq type='error' id='{}' from='{ALICE}' to='{JID}'><error type='cancel'>\
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        ping.attr("id").expect("an id")
    ));
    let told = harness.take_to("a@example.com");
    assert!(told.len() == 1 && told[0].xml.contains("type='unavailable'"), "{told:?}");
}

#[test]
fn a_senders_server_that_cannot_be_reached_is_as_silent_as_the_sender() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.com"]);
    harness.disconnect();
    harness.connect();
    restarted(&mut harness);
    let ping = harness.take_to(ALICE).pop().expect("a ping").element();
    harness.take();
    harness.stanza(&format!(
        "<iq type='error' id='{}' from='{ALICE}' to='{JID}'><error type='wait'>\
         <remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
        ping.attr("id").expect("an id")
    ));
    assert!(harness.take().is_empty(), "it may come back");
    harness.advance(std::time::Duration::from_secs(1_000));
    let told = harness.take_to("a@example.com");
    assert!(told.len() == 1 && told[0].xml.contains("type='unavailable'"), "{told:?}");
}

#[test]
fn where_the_server_lets_it_at_last_those_who_are_gone_are_told_of() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.com"]);
    harness.restart();
    let probe = harness.take_to(JID).pop().expect("a probe");
    harness.advance(std::time::Duration::from_secs(11));
    harness.take();
    assert!(harness.take_to(ALICE).is_empty(), "nobody is asked in vain");
    harness.stanza(&probe.xml);
    assert_eq!(harness.take_to(ALICE).len(), 1);
    harness.advance(std::time::Duration::from_secs(1_000));
    let told = harness.take_to("a@example.com");
    assert!(told.len() == 1 && told[0].xml.contains("type='unavailable'"), "{told:?}");
}

#[test]
fn an_end_that_can_neither_leave_nor_wait_is_refused_and_stays_remembered() {
    let config = |section| Input::Config { common: annex_testkit::common(JID), section };
    let privilege = |permissions: &str| {
        format!(
            "<message from='example.com' to='{JID}'><privilege xmlns='urn:xmpp:privilege:2'>\
             {permissions}</privilege></message>"
        )
    };
    let fallback = json!({ "from_fallback": "privilege" });
    let mut harness = open(fallback.clone());
    available(&mut harness, &["a@example.com"]);
    harness.restart();
    harness.advance(std::time::Duration::from_secs(11));
    // What was to be told again is told; then the permission is taken back, and the server is asked.
    harness.stanza(&privilege("<perm access='message' type='outgoing'/>"));
    harness.stanza(&privilege(""));
    harness.input(config(fallback));
    let probe = harness.take_to(JID).pop().expect("a probe");
    harness.take();
    let end = format!(
        "<presence type='unavailable' from='{ALICE}' to='{JID}'><addresses xmlns='{NS}'>\
         <address type='to' jid='b@example.com'/></addresses></presence>"
    );
    harness.stanza(&end);
    let sent = harness.take();
    assert!(recipients(&sent) == [ALICE] && sent[0].xml.contains("type='wait'"), "{sent:?}");
    harness.stanza(&probe.xml);
    harness.stanza(&end);
    let sent = harness.take();
    let users: Vec<_> = recipients(&sent).into_iter().filter(|to| *to != ALICE).collect();
    assert_eq!(users, ["a@example.com", "b@example.com"]);
}

#[test]
fn a_far_service_that_was_to_tell_of_presence_tells_of_its_end() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.net", "b@example.net"]);
    crate::common::discovered(&mut harness, "example.net", "mc.example.net", None);
    harness.take();
    available(&mut harness, &["a@example.net", "b@example.net", "c@example.org"]);
    assert_eq!(recipients(&harness.take()), ["c@example.org", "mc.example.net"]);
    unavailable(&mut harness);
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["c@example.org", "mc.example.net"]);
    sent[1].expect(&format!(
        "<presence type='unavailable' from='{ALICE}' to='mc.example.net' etc=''><status>bye</status>\
         <addresses xmlns='{NS}'><address type='bcc' jid='a@example.net'/>\
         <address type='bcc' jid='b@example.net'/></addresses></presence>"
    ));
}

#[test]
fn silence_after_an_outage_is_the_end_when_the_grace_is_over() {
    let mut harness = open(json!({ "suspend_grace": "1m" }));
    available(&mut harness, &["a@example.com"]);
    harness.restart();
    restarted(&mut harness);
    harness.take();
    harness.advance(std::time::Duration::from_secs(59));
    assert!(harness.take().is_empty());
    harness.advance(std::time::Duration::from_secs(2));
    assert_eq!(recipients(&harness.take()), ["a@example.com"]);
}

#[test]
fn each_may_be_silent_for_as_long_as_the_first() {
    let mut harness = open(json!({ "suspend_grace": "5s", "sweep_rate": 20 }));
    for number in 0..130 {
        harness.stanza(&format!(
            "<presence from='u{number}@example.com/x' to='{JID}'><addresses xmlns='{NS}'>\
             <address type='bcc' jid='a@example.com'/></addresses></presence>"
        ));
    }
    harness.restart();
    restarted(&mut harness);
    harness.take();
    // 64 are asked at once, 64 after 3.2 s, and the others after as much again.
    for (millis, gone) in [(4_900, 0), (200, 64), (3_000, 0), (200, 64), (3_000, 0), (200, 2)] {
        harness.advance(std::time::Duration::from_millis(millis));
        assert_eq!(harness.take_to("a@example.com").len(), gone);
    }
}

#[test]
fn what_is_wrong_with_an_end_does_not_say_that_nobody_knows() {
    let mut harness = open(json!({ "limit_local": 1 }));
    available(&mut harness, &["a@example.com"]);
    harness.take();
    harness.stanza(&format!(
        "<presence type='unavailable' from='{ALICE}' to='{JID}'><addresses xmlns='{NS}'>\
         <address type='to' jid='b@example.com'/><address type='to' jid='c@example.com'/>\
         </addresses></presence>"
    ));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["a@example.com", ALICE]);
    let text = &sent[1].xml;
    assert!(
        text.contains("only those who had your presence") && !text.contains("nobody"),
        "{text}"
    );
}

#[test]
fn subscriptions_are_not_sent_to_many_and_recipients_are_bounded() {
    let mut harness = open(json!({ "presence_recipients": 2 }));
    available(&mut harness, &["a@example.com", "b@example.com", "c@example.com"]);
    assert!(harness.take()[0].xml.contains("<not-acceptable"));
    harness.stanza(&format!(
        "<presence type='subscribe' from='{ALICE}' to='{JID}'><addresses xmlns='{NS}'>\
         <address type='to' jid='b@example.com'/></addresses></presence>"
    ));
    assert!(harness.take()[0].xml.contains("<bad-request"));
}

#[test]
fn what_is_stored_about_someone_is_shown_and_forgotten() {
    let mut harness = open(json!({}));
    available(&mut harness, &["a@example.com"]);
    harness.verb("lists/create", json!({ "list": "team", "owners": "alice@example.com" }));
    let members = json!({ "list": "team", "members": ["alice@example.com", "b@example.com"] });
    harness.verb("lists/add", members);
    harness.take();
    let person = json!({ "jid": "alice@example.com" });
    let body = |answer: Option<annex_service::effect::Response>| {
        String::from_utf8_lossy(&answer.expect("an answer").body).into_owned()
    };
    let shown = body(harness.verb("person show", person.clone()));
    for what in ["list owner", "list member", "presence sent to"] {
        assert!(shown.contains(what), "{shown}");
    }
    harness.verb("person forget", person.clone());
    assert_eq!(recipients(&harness.take()), ["a@example.com"], "unavailable");
    let shown = body(harness.verb("person show", person));
    assert!(shown.contains("0 records"), "{shown}");
    // The list stays, and is an admin's.
    let shown = body(harness.verb("lists/show", json!({ "list": "team" })));
    assert!(shown.contains("admin@") && shown.contains("b@example.com"), "{shown}");
}
