//! Services of other servers (XEP-0033 §2, §6).

use serde_json::json;

use crate::common::{
    JID, Machine, discovered, feature, from, has, message, open, question, recipients, to,
};

/// Case M13.
#[test]
fn a_server_with_a_service_gets_one_stanza_cut_to_its_limit_and_a_bounce_ends_that_once() {
    let mut harness = open(json!({}));
    let users = |n: usize| (0..n).map(|i| to(&format!("u{i}@example.net"))).collect::<String>();
    harness.stanza(&message(&users(2)));
    assert_eq!(harness.sent().filter(|sent| sent.xml.starts_with("<message")).count(), 2);
    discovered(&mut harness, "example.net", "mc.example.net", Some(2));
    harness.take();
    harness.stanza(&message(&users(4)));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["mc.example.net", "mc.example.net"]);
    let mark = |i: usize| format!("<address type='to' jid='u{i}@example.net' delivered='true'/>");
    let open_entry = |i: usize| to(&format!("u{i}@example.net"));
    assert!(has(&sent[0].xml, &(open_entry(0) + &open_entry(1) + &mark(2) + &mark(3))));
    assert!(has(&sent[1].xml, &(mark(0) + &mark(1) + &open_entry(2) + &open_entry(3))));

    let bounce = format!(
        "<message type='error' id='m1' from='mc.example.net' to='{JID}'><error type='cancel'>
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    );
    harness.stanza(&bounce);
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["u2@example.net", "u3@example.net"]);
    assert!(has(&sent[0].xml, &(mark(0) + &mark(1) + &mark(2) + &mark(3))));
    harness.stanza(&bounce);
    assert_eq!(recipients(&harness.take()), ["u0@example.net", "u1@example.net"]);
    harness.stanza(&message(&users(2)));
    assert_eq!(recipients(&harness.take()), ["u0@example.net", "u1@example.net"]);
}

/// The service of example.net gives this back.
fn bounce(sent: &annex_testkit::Sent, to: &str) -> String {
    let element = sent.element();
    let id = element.attr("id").map(|id| format!("id='{id}'")).unwrap_or_default();
    let name = element.name();
    format!(
        "<{name} type='error' {id} from='mc.example.net' to='{to}'><error type='cancel'>
         <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></{name}>"
    )
}

/// The server of example.net has a service.
fn with_service(section: serde_json::Value) -> Machine {
    let mut harness = open(section);
    harness.stanza(&message(&(to("a@example.net") + &to("b@example.net"))));
    discovered(&mut harness, "example.net", "mc.example.net", None);
    harness.take();
    harness
}

#[test]
fn what_bounces_goes_out_in_single_stanzas_whether_its_sender_gave_it_an_id_or_not() {
    let entries = to("a@example.net") + &to("b@example.net");
    let presence =
        message(&entries).replace("<message", "<presence").replace("</message", "</presence");
    let presence = presence.replace("<body>Hello</body>", "");
    let alice = "alice@example.com/phone";
    for stanza in [message(&entries), presence.clone()] {
        let stanza = stanza.replace("id='m1' ", "");
        let mut harness = with_service(json!({}));
        harness.stanza(&stanza);
        let sent = harness.take_to("mc.example.net").pop().expect("a copy");
        harness.stanza(&bounce(&sent, alice));
        let singles = harness.take();
        assert_eq!(recipients(&singles), ["a@example.net", "b@example.net"]);
        assert!(singles.iter().all(|one| one.element().attr("id").is_none()));
        harness.stanza(&stanza);
        assert_eq!(recipients(&harness.take()), ["a@example.net", "b@example.net"]);
    }
    // XEP-0033 §5.1: the end of presence, said by the server of its sender, or by nobody.
    let mut harness = with_service(json!({}));
    harness.stanza(&presence);
    harness.take();
    harness.stanza(&format!("<presence type='unavailable' from='{alice}' to='{JID}'/>"));
    let sent = harness.take_to("mc.example.net").pop().expect("a copy");
    harness.stanza(&bounce(&sent, alice));
    assert_eq!(recipients(&harness.take()), ["a@example.net", "b@example.net"]);
}

#[test]
fn a_bounce_is_its_senders_and_of_two_that_are_alike_the_newest_ones() {
    let entries = to("a@example.net") + &to("b@example.net");
    let users = ["alice@example.com/phone", "bea@example.com/phone"];
    let write = |harness: &mut Machine, user: usize, body: &str| {
        harness.stanza(&from(users[user], &entries).replace("Hello", body));
        harness.take_to("mc.example.net").pop().expect("a copy")
    };
    let bodies = |harness: &mut Machine| -> Vec<String> {
        let text = |sent: &annex_testkit::Sent| {
            sent.element()
                .children()
                .find(|child| child.name() == "body")
                .map(minidom::Element::text)
        };
        harness.take().iter().filter_map(text).collect()
    };
    let mut harness = with_service(json!({}));
    write(&mut harness, 0, "arrived");
    let sent = write(&mut harness, 1, "gone");
    harness.stanza(&bounce(&sent, JID));
    assert!(bodies(&mut harness).is_empty(), "it may be about either");
    harness.stanza(&bounce(&sent, users[1]));
    assert_eq!(bodies(&mut harness), ["gone", "gone"]);

    let mut harness = with_service(json!({}));
    write(&mut harness, 0, "arrived");
    let sent = write(&mut harness, 0, "gone");
    harness.stanza(&bounce(&sent, users[0]));
    assert_eq!(bodies(&mut harness), ["gone", "gone"]);
}

/// Case M14.
#[test]
fn a_server_is_asked_once_and_nothing_waits_for_its_answer() {
    let mut harness = open(json!({}));
    let entries = to("a@example.net") + &to("b@example.net");
    harness.stanza(&message(&entries));
    assert_eq!(recipients(&harness.take()), ["example.net", "a@example.net", "b@example.net"]);
    harness.stanza(&message(&entries));
    assert_eq!(harness.take().len(), 2, "in flight");
    harness.advance(std::time::Duration::from_secs(11));
    harness.stanza(&message(&entries));
    assert_eq!(harness.take().len(), 2, "without an answer it counts as none");
    harness.advance(std::time::Duration::from_secs(3_601));
    harness.stanza(&message(&entries));
    assert_eq!(harness.take().len(), 3, "asked again");
    // Our own and a single recipient's server are not asked.
    harness
        .stanza(&message(&(to("a@example.com") + &to("b@example.com") + &to("x@elsewhere.org"))));
    assert_eq!(harness.take().len(), 3);
}

/// Case M14.
#[test]
fn a_positive_answer_is_asked_for_again_after_a_day_and_strangers_cannot_answer() {
    let mut harness = open(json!({}));
    let entries = to("a@example.net") + &to("b@example.net");
    harness.stanza(&message(&entries));
    let id = question(&mut harness, "example.net");
    harness.stanza(&feature(&id, "evil.org", None));
    harness.take();
    harness.stanza(&message(&entries));
    assert_eq!(harness.take().len(), 2);
    harness.stanza(&feature(&id, "example.net", None));
    let id = question(&mut harness, "example.net");
    harness.stanza(&feature(&id, "example.net", None));
    harness.stanza(&message(&entries));
    assert_eq!(recipients(&harness.take()), ["example.net"]);
    harness.advance(std::time::Duration::from_secs(24 * 3_600 + 1));
    harness.take();
    harness.stanza(&message(&entries));
    assert_eq!(recipients(&harness.take()), ["example.net", "a@example.net", "b@example.net"]);
}

#[test]
fn a_service_in_use_is_asked_again_and_one_that_is_down_gets_no_more() {
    let minutes = |n: u64| std::time::Duration::from_secs(60 * n);
    let entries = to("a@example.net") + &to("b@example.net");
    let mut harness = open(json!({}));
    harness.stanza(&message(&entries));
    discovered(&mut harness, "example.net", "mc.example.net", None);
    harness.take();
    for _ in 0..2 {
        harness.advance(minutes(11));
        harness.stanza(&message(&entries));
        let sent = harness.take();
        assert_eq!(recipients(&sent), ["mc.example.net"; 3], "nothing waits");
        let asked = sent.iter().find(|sent| sent.xml.starts_with("<iq")).expect("a question");
        let id = asked.element().attr("id").expect("an id").to_owned();
        harness.stanza(&feature(&id, "mc.example.net", None));
        harness.stanza(&message(&entries));
        assert_eq!(recipients(&harness.take()), ["mc.example.net"]);
    }
    harness.advance(minutes(11));
    harness.stanza(&message(&entries));
    let id = question(&mut harness, "mc.example.net");
    harness.take();
    let error = "<iq type='error' id='{id}' from='mc.example.net' to='{JID}'><error type='wait'>\
                 <remote-server-timeout xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>";
    harness.stanza(&error.replace("{id}", &id).replace("{JID}", JID));
    harness.stanza(&message(&entries));
    assert_eq!(recipients(&harness.take()), ["a@example.net", "b@example.net"]);
}

#[test]
fn a_service_that_is_asked_again_and_says_nothing_gets_no_more() {
    let entries = to("a@example.net") + &to("b@example.net");
    let mut harness = open(json!({}));
    harness.stanza(&message(&entries));
    discovered(&mut harness, "example.net", "mc.example.net", None);
    harness.advance(std::time::Duration::from_secs(660));
    harness.stanza(&message(&entries));
    harness.advance(std::time::Duration::from_secs(11));
    harness.take();
    harness.stanza(&message(&entries));
    assert_eq!(recipients(&harness.take()), ["a@example.net", "b@example.net"]);
}

#[test]
fn an_answer_that_comes_after_a_bounce_brings_no_service_back() {
    let entries = to("a@example.net") + &to("b@example.net");
    let mut harness = with_service(json!({}));
    harness.advance(std::time::Duration::from_secs(603));
    harness.stanza(&message(&entries));
    let sent = harness.take();
    let with = |part| sent.iter().find(|sent| sent.xml.contains(part)).expect("a stanza");
    harness.stanza(&bounce(with("Hello"), "alice@example.com/phone"));
    let id = with("<iq").element().attr("id").expect("an id").to_owned();
    harness.stanza(&feature(&id, "mc.example.net", None));
    harness.take();
    harness.stanza(&message(&entries));
    assert_eq!(recipients(&harness.take()), ["a@example.net", "b@example.net"]);
}

/// Case M14.
#[test]
fn what_only_gives_back_is_not_asked() {
    let mut harness = open(json!({}));
    harness.stanza(&message(&(to("a@echo.example.net") + &to("b@echo.example.net"))));
    assert_eq!(recipients(&harness.take()), ["a@echo.example.net", "b@echo.example.net"]);
    harness.stanza(&message(&(to("a@example.net") + &to("b@example.net"))));
    for (ns, items) in [("info", ""), ("items", "<item jid='echo.example.net'/>")] {
        let id = question(&mut harness, "example.net");
        harness.stanza(&format!(
            "<iq type='result' id='{id}' from='example.net' to='{JID}'>
             <query xmlns='http://jabber.org/protocol/disco#{ns}'>{items}</query></iq>"
        ));
    }
    assert!(harness.take_to("echo.example.net").is_empty());
}

#[test]
fn a_service_that_takes_next_to_nothing_is_not_worth_a_copy_for_every_other_user() {
    let mut harness = open(json!({ "limit_local": 10_000 }));
    harness.stanza(&message(&(to("a@example.net") + &to("b@example.net"))));
    discovered(&mut harness, "example.net", "mc.example.net", Some(2));
    harness.take();
    let many = |count: usize| -> String {
        (0..count).map(|number| to(&format!("u{number}@example.net"))).collect()
    };
    harness.stanza(&message(&many(10)));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["mc.example.net"; 5]);
    harness.stanza(&message(&many(500)));
    let sent = harness.take();
    assert_eq!(sent.len(), 500);
    assert!(sent.iter().all(|one| one.to.ends_with("@example.net")));
}

#[test]
fn a_large_stanza_for_the_services_of_many_servers_is_not_written_anew_for_each() {
    let mut harness = open(json!({ "limit_local": 1_000 }));
    let server = |number: usize| format!("s{number}.example");
    let entries: String = (0..40)
        .flat_map(|number| ["a", "b"].map(|user| to(&format!("{user}@{}", server(number)))))
        .collect();
    harness.stanza(&message(&entries));
    for number in 0..40 {
        discovered(&mut harness, &server(number), &format!("mc.{}", server(number)), None);
    }
    harness.take();
    harness.stanza(&message(&entries));
    assert_eq!(harness.take().len(), 40, "a small one to each service");
    harness.stanza(&message(&entries).replace("Hello", &"x".repeat(100_000)));
    let sent = harness.take();
    let relayed = sent.iter().filter(|one| one.to.starts_with("mc.")).count();
    assert!((1..=10).contains(&relayed), "{relayed}");
    assert_eq!(sent.len(), relayed + 2 * (40 - relayed));
}

#[test]
fn what_could_not_be_sent_again_is_not_relayed() {
    let mut harness = with_service(json!({}));
    let large = message(&(to("a@example.net") + &to("b@example.net")));
    let large = large.replace("Hello", &"x".repeat(100_000));
    let relayed = |harness: &mut Machine, number: usize| {
        harness.stanza(&large.replace("'m1'", &format!("'m{number}'")));
        let sent = harness.take();
        (sent.len() == 1).then(|| sent[0].clone())
    };
    let first = relayed(&mut harness, 0).expect("room");
    let many = (1..200).take_while(|number| relayed(&mut harness, *number).is_some()).count();
    assert!((100..199).contains(&many), "{many}");
    // The first is not lost for that.
    harness.stanza(&bounce(&first, JID));
    assert_eq!(recipients(&harness.take()), ["a@example.net", "b@example.net"]);
    let mut harness = with_service(json!({}));
    while relayed(&mut harness, 0).is_some() {}
    harness.advance(std::time::Duration::from_secs(121));
    harness.take();
    assert!(relayed(&mut harness, 0).is_some(), "what does not come back for so long has arrived");
}
