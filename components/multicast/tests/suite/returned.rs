//! What comes back, what may not have arrived, and what is told of it.

use serde_json::json;

use crate::common::{JID, echo, message, open, recipients, start, to};

#[test]
fn an_error_of_one_recipient_that_the_server_gives_to_us_goes_to_the_sender() {
    let mut harness = open(json!({}));
    harness.stanza(&message(&(to("nobody@example.com") + &to("b@example.com"))));
    assert_eq!(harness.take().len(), 2);
    let error = "<message type='error' id='m1' from='nobody@example.com' \
                 to='alice@example.com/phone'><error type='cancel'><service-unavailable \
                 xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>";
    harness.stanza(error);
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["alice@example.com/phone"]);
    sent[0].expect(error);
    // What comes to the service itself ends here, and nothing else is passed on.
    harness.stanza(&error.replace("to='alice@example.com/phone'", &format!("to='{JID}'")));
    harness.stanza(&error.replace("type='error' ", ""));
    assert!(harness.take().is_empty());
}

#[test]
fn what_is_returned_is_passed_on_only_where_senders_addresses_stay() {
    let mut harness = start(json!({}));
    harness.take();
    harness.advance(std::time::Duration::from_secs(11));
    harness
        .stanza("<message type='error' from='nobody@example.com' to='alice@example.com/phone'/>");
    assert!(harness.take().is_empty());
}

#[test]
fn a_message_that_may_not_have_arrived_is_sent_again() {
    let mut harness = open(json!({}));
    harness.hold();
    harness.stanza(&message(&(to("a@example.com") + "<address type='bcc' jid='b@example.com'/>")));
    harness.crash(annex_testkit::Crash::AfterCommit);
    assert!(harness.take_to("a@example.com").is_empty(), "not before it may leave");
    echo(&mut harness);
    let sent: Vec<_> =
        harness.take().into_iter().filter(|sent| sent.xml.contains("<body>Hello")).collect();
    assert_eq!(recipients(&sent), ["a@example.com", "b@example.com"]);
    harness.restart();
    echo(&mut harness);
    assert!(harness.take_to("a@example.com").is_empty(), "what is confirmed is not sent again");
}

#[test]
fn who_asks_gets_a_report_and_the_wish_goes_no_further() {
    let mut harness = open(json!({ "bad_address": "itself" }));
    let entries = to("a@example.com") + "<address type='to' jid='@'/>";
    harness.stanza(
        &message(&entries).replace("<body>", "<report xmlns='urn:annex:multicast:0'/><body>"),
    );
    assert!(!harness.take_to("a@example.com")[0].xml.contains("report"));
    let told = harness.take_to("alice@example.com/phone");
    assert_eq!(told.len(), 2);
    told[1].expect(&format!(
        "<message from='{JID}' to='alice@example.com/phone'>\
         <report xmlns='urn:annex:multicast:0' id='m1' sent='1' relayed='0' refused='1'>\
         <address jid='@' status='refused'>it is not an address</address>\
         <address jid='a@example.com' status='sent'/></report></message>"
    ));
}
