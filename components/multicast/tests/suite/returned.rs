//! What comes back, what may not have arrived, and what is told of it.

use annex_service::{input::Input, unconfirmed};
use annex_stanza::Stanza;
use serde_json::json;

use crate::common::{JID, Machine, echo, message, open, recipients, start, to};

/// Case M17.
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
fn an_address_that_the_server_does_not_take_is_told_of_by_the_service() {
    let mut harness = open(json!({}));
    let given_back = |kind: &str, of: &str, condition: &str| {
        format!(
            "<{kind} type='error' id='m1' from='{of}' to='alice@example.com/phone'>\
             <error type='modify'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
             </error></{kind}>"
        )
    };
    // In its own name the server would not take this either.
    let odd = "b@example.com/\u{202e}";
    for (kind, of, condition) in [
        ("message", odd, "jid-malformed"),
        ("presence", odd, "jid-malformed"),
        ("message", "b@example.com/x", "jid-malformed"),
        ("message", odd, "bad-request"),
    ] {
        harness.stanza(&given_back(kind, of, condition));
        let sent = harness.take();
        assert_eq!(recipients(&sent), ["alice@example.com/phone"]);
        sent[0].expect(&format!(
            "<{kind} type='error' id='m1' from='{JID}' to='alice@example.com/phone'>\
             <addresses xmlns='http://jabber.org/protocol/address'><address jid='{of}'/></addresses>\
             <error type='modify'>\
             <jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>\
             <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas' xml:lang='en'>\
             Not delivered to: {of} (the server does not take it for an address)</text></error></{kind}>"
        ));
    }
    for (of, condition) in [("room@example.com", "bad-request"), (odd, "item-not-found")] {
        let error = given_back("message", of, condition);
        harness.stanza(&error);
        harness.take()[0].expect(&error);
    }
}

#[test]
fn what_is_returned_is_passed_on_only_where_senders_addresses_stay() {
    let mut harness = start(json!({}));
    harness.advance(std::time::Duration::from_secs(11));
    harness.take();
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

/// A message to so many, with a body of so many bytes.
fn large(addresses: usize, body: usize) -> Input {
    let entries: String =
        (0..addresses).map(|at| format!("<address type='bcc' jid='u{at}@example.com'/>")).collect();
    let xml = message(&entries).replace("Hello", &"x".repeat(body));
    Input::Stanza(Stanza::parse(xml.as_bytes()).expect("a stanza"))
}

#[test]
fn a_large_message_to_few_is_sent_again_and_so_is_a_small_one_to_many() {
    for (addresses, body) in [(2, 70_000), (1_000, 70_000), (1_100, 10)] {
        let mut harness = open(json!({ "limit_local": 10_000 }));
        harness.hold();
        harness.input(large(addresses, body));
        harness.crash(annex_testkit::Crash::AfterCommit);
        echo(&mut harness);
        let sent = harness.take();
        assert_eq!(sent.iter().filter(|one| one.xml.contains("<body>")).count(), addresses);
    }
}

#[test]
fn a_large_message_to_many_is_sent_again_where_the_stream_or_a_slow_server_ends() {
    let ends: [fn(&mut Machine); 2] = [
        |harness| {
            harness.advance(std::time::Duration::from_millis(50));
            harness.crash(annex_testkit::Crash::AfterCommit);
        },
        |harness| {
            harness.disconnect();
            harness.connect();
        },
    ];
    for end in ends {
        let mut harness = open(json!({ "limit_local": 10_000 }));
        harness.confirm_automatically(false);
        harness.input(large(1_500, 70_000));
        harness.take();
        end(&mut harness);
        harness.confirm_automatically(true);
        echo(&mut harness);
        let copies = |sent: Vec<annex_testkit::Sent>| {
            sent.iter().filter(|one| one.xml.contains("<body>")).count()
        };
        assert_eq!(copies(harness.take()), 1_500);
        harness.restart();
        echo(&mut harness);
        assert_eq!(copies(harness.take()), 0, "once");
    }
}

#[test]
fn a_large_message_to_many_that_arrives_soon_is_not_written_down() {
    let mut harness = open(json!({ "limit_local": 10_000 }));
    harness.input(large(1_500, 70_000));
    harness.advance(std::time::Duration::from_millis(50));
    assert!(harness.store().table(unconfirmed::TABLE).is_empty());
}

#[test]
fn a_report_that_may_not_have_arrived_is_sent_again() {
    let mut harness = open(json!({}));
    harness.hold();
    harness.stanza(
        &message(&to("a@example.com"))
            .replace("<body>", "<report xmlns='urn:annex:multicast:0'/><body>"),
    );
    harness.crash(annex_testkit::Crash::AfterCommit);
    echo(&mut harness);
    assert!(harness.take_to("alice@example.com/phone")[0].xml.contains("sent='1'"));
}

#[test]
fn what_comes_before_all_is_told_again_is_not_sent_before_it() {
    let mut harness = open(json!({}));
    harness.hold();
    for number in 0..150 {
        harness.stanza(&message(&to(&format!("u{number}@example.com"))));
    }
    harness.crash(annex_testkit::Crash::AfterCommit);
    let probe = harness.take_to(JID).pop().expect("a probe");
    harness.stanzas(&[&probe.xml, &message(&to("new@example.com"))]);
    assert!(harness.take_to("alice@example.com/phone")[0].xml.contains("type='wait'"));
    let sent = harness.take();
    assert!(!sent.iter().any(|one| one.to == "new@example.com"));
    assert_eq!(sent.iter().filter(|one| one.xml.contains("<body>")).count(), 150);
    harness.stanza(&message(&to("new@example.com")));
    assert_eq!(recipients(&harness.take()), ["new@example.com"]);
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

#[test]
fn a_report_says_how_many_addresses_are_left_out() {
    let mut harness = open(json!({ "limit_local": 10_000 }));
    let Input::Stanza(stanza) = large(9_000, 10) else { unreachable!() };
    let xml = String::from_utf8(stanza.render()).expect("text");
    let xml = xml.replace("<body>", "<report xmlns='urn:annex:multicast:0'/><body>");
    harness.input(Input::Stanza(Stanza::parse(xml.as_bytes()).expect("a stanza")));
    let told = harness.take_to("alice@example.com/phone").pop().expect("a report").element();
    let report = told.children().next().expect("a report");
    assert_eq!(report.attr("sent"), Some("9000"));
    let left_out: usize = report.attr("left-out").expect("a number").parse().expect("a number");
    assert!(left_out > 0);
    assert_eq!(report.children().count() + left_out, 9_000);
}

#[test]
fn with_little_space_a_large_message_to_many_is_refused_like_any_other() {
    let mut harness = open(json!({ "limit_local": 10_000 }));
    harness.confirm_automatically(false);
    harness.input(Input::SpaceLow(true));
    harness.input(large(1_500, 70_000));
    let told = harness.take();
    assert_eq!(recipients(&told), ["alice@example.com/phone"]);
    harness.advance(std::time::Duration::from_millis(50));
    assert!(harness.store().table(unconfirmed::TABLE).is_empty());
}
