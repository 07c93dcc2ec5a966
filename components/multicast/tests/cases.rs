//! The rules of XEP-0033 and of the service, one test each, stanza in and stanzas out.

mod common;

use common::{
    JID, NS, canonical, discovered, echo, error, from, has, message, open, question, recipients,
    start,
};
use serde_json::json;

fn to(jid: &str) -> String {
    format!("<address type='to' jid='{jid}'/>")
}

// M1

#[test]
fn the_worked_example_gives_exactly_its_copies() {
    let mut common = annex_testkit::common("multicast.header1.org");
    common.local_domains = vec!["header1.org".into()];
    let mut harness = annex_testkit::Harness::new(move || {
        annex_service::service::Service::<annex_multicast::Multicast>::new(
            common.clone(),
            &json!({}),
        )
    });
    let probe = harness.take_to("multicast.header1.org").pop().expect("a probe");
    harness.stanza(&probe.xml);
    harness.take();
    let entry = |kind: &str, host: &str| format!("<address type='{kind}' jid='{kind}@{host}'/>");
    let mark = |kind: &str, host: &str| {
        format!("<address type='{kind}' jid='{kind}@{host}' delivered='true'/>")
    };
    let hosts = ["header1.org", "header2.org", "noheader.org"];
    let entries: String =
        hosts.iter().flat_map(|host| ["to", "cc", "bcc"].map(|kind| entry(kind, host))).collect();
    let stanza = format!(
        "<message to='multicast.header1.org' from='a@header1.org/work'>\
         <addresses xmlns='{NS}'>{entries}</addresses><body>Hello, World!</body></message>"
    );
    // The first finds out what the others have.
    harness.stanza(&stanza);
    let first = harness.take();
    assert_eq!(first.iter().filter(|sent| sent.xml.starts_with("<message")).count(), 9);
    let id = |to: &str| {
        let asked = first.iter().find(|sent| sent.to == to).expect("a question").element();
        asked.attr("id").expect("an id").to_owned()
    };
    let result = |from: &str, id: &str, query: &str| {
        format!("<iq type='result' id='{id}' from='{from}' to='multicast.header1.org'>{query}</iq>")
    };
    let info = "<query xmlns='http://jabber.org/protocol/disco#info'/>";
    let items = |item: &str| {
        format!("<query xmlns='http://jabber.org/protocol/disco#items'>{item}</query>")
    };
    for (host, item) in
        [("header2.org", "<item jid='multicast.header2.org'/>"), ("noheader.org", "")]
    {
        harness.stanza(&result(host, &id(host), info));
        let asked = harness.take_to(host).pop().expect("items").element();
        harness.stanza(&result(host, asked.attr("id").expect("an id"), &items(item)));
    }
    let asked = harness.take_to("multicast.header2.org").pop().expect("info").element();
    let has = format!(
        "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='{NS}'/></query>"
    );
    harness.stanza(&result("multicast.header2.org", asked.attr("id").expect("an id"), &has));
    harness.stanza(&stanza);

    // XEP-0033 §7: examples 9, 16 and 20, byte for byte.
    let header = |own: &str| -> String {
        let shown = |host: &&str| {
            let blind = if *host == own { entry("bcc", host) } else { String::new() };
            mark("to", host) + &mark("cc", host) + &blind
        };
        hosts.iter().map(shown).collect()
    };
    let copy = |to: &str, header: &str| {
        format!(
            "<message from='a@header1.org/work' to='{to}'><addresses xmlns='{NS}'>{header}\
             </addresses><body>Hello, World!</body></message>"
        )
    };
    let mut expected = Vec::new();
    for host in ["header1.org", "noheader.org"] {
        expected.push(copy(&format!("to@{host}"), &header("")));
        expected.push(copy(&format!("cc@{host}"), &header("")));
        expected.push(copy(&format!("bcc@{host}"), &header(host)));
    }
    let relayed = mark("to", hosts[0])
        + &mark("cc", hosts[0])
        + &entry("to", hosts[1])
        + &entry("cc", hosts[1])
        + &entry("bcc", hosts[1])
        + &mark("to", hosts[2])
        + &mark("cc", hosts[2]);
    expected.push(copy("multicast.header2.org", &relayed));
    let mut found: Vec<String> = harness.take().iter().map(|sent| canonical(&sent.xml)).collect();
    let mut expected: Vec<String> = expected.iter().map(|xml| canonical(xml)).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

// M2

#[test]
fn a_blind_addressee_sees_its_own_entry_and_no_other() {
    let mut harness = open(json!({}));
    harness.stanza(&message(
        "<address type='bcc' jid='a@example.com'/><address type='bcc' jid='b@example.com'/>",
    ));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["a@example.com", "b@example.com"]);
    for copy in sent {
        copy.expect(&format!(
            "<message id='m1' from='alice@example.com/phone' to='{0}'><addresses xmlns='{NS}'>\
             <address type='bcc' jid='{0}'/></addresses><body>Hello</body></message>",
            copy.to
        ));
    }
}

// M3

#[test]
fn what_is_marked_delivered_is_shown_and_not_delivered() {
    let mut harness = open(json!({}));
    harness.stanza(&message(
        "<address type='to' jid='a@example.com' delivered='true'/>\
         <address type='cc' jid='b@example.com'/><address type='cc' jid='a@example.com'/>",
    ));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["b@example.com"]);
    assert!(has(&sent[0].xml, "<address type='to' jid='a@example.com' delivered='true'/>"));
}

#[test]
fn what_others_have_delivered_to_is_not_ours_to_judge() {
    let mut harness = open(json!({}));
    let theirs = "<address type='to' jid='@@' delivered='true'/>\
                  <address type='cc' uri='sip:x@y' delivered='true'/>";
    harness.stanza(&message(&(theirs.to_owned() + &to("a@example.com"))));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["a@example.com"]);
    assert!(has(&sent[0].xml, theirs));
}

// M4

#[test]
fn a_message_that_comes_back_with_all_delivered_ends_without_an_error() {
    let mut harness = open(json!({}));
    harness.stanza(&message("<address type='to' jid='a@example.com'/>"));
    let copy = harness.take().remove(0).xml.replace("to='a@example.com'>", &format!("to='{JID}'>"));
    harness.stanza(&copy);
    assert!(harness.take().is_empty());
}

#[test]
fn errors_and_what_is_written_by_no_one_for_nobody_lead_to_nothing() {
    let mut harness = open(json!({}));
    harness.stanza(&message(&to("a@example.com")).replace("<message ", "<message type='error' "));
    assert!(harness.take().is_empty());
}

// M5

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
            "<address type='to' jid='a@example.com'/><address type='bcc' jid='b@example.net'/>",
        ));
        let sent = harness.take();
        assert_eq!(sent.len(), 2);
        let header = "<address type='to' jid='a@example.com' delivered='true'/>";
        for (copy, (to, own)) in sent.iter().zip([
            ("a@example.com", ""),
            ("b@example.net", "<address type='bcc' jid='b@example.net'/>"),
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

// M6

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

// M7

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
        assert_eq!(error(&mut harness).0, condition, "{bad}");
    }
}

// M8

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

// M9

#[test]
fn one_address_named_several_times_gets_one_copy() {
    let mut harness = open(json!({}));
    harness.stanza(&message(
        "<address type='bcc' jid='a@example.com'/><address type='to' jid='A@Example.com'/>\
         <address type='cc' jid='a@example.com'/><address type='cc' jid='a@example.com/home'/>",
    ));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["A@Example.com"]);
    assert!(!sent[0].xml.contains("bcc"));
}

// M10

#[test]
fn without_any_address_it_is_a_bad_request() {
    let mut harness = open(json!({}));
    harness.stanza(&message(""));
    assert_eq!(error(&mut harness).0, "bad-request");
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

// M11

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

// M12

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

// M13

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
    assert_eq!(recipients(&sent), ["u0@example.net", "u1@example.net"]);
    assert!(has(&sent[0].xml, &(mark(0) + &mark(1) + &mark(2) + &mark(3))));
    harness.stanza(&message(&users(2)));
    assert_eq!(recipients(&harness.take()), ["u0@example.net", "u1@example.net"]);
}

// M14

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

#[test]
fn a_positive_answer_is_asked_for_again_after_a_day_and_strangers_cannot_answer() {
    let mut harness = open(json!({}));
    let entries = to("a@example.net") + &to("b@example.net");
    harness.stanza(&message(&entries));
    let id = question(&mut harness, "example.net");
    let answer = |from: &str| {
        format!(
            "<iq type='result' id='{id}' from='{from}' to='{JID}'>
             <query xmlns='http://jabber.org/protocol/disco#info'><feature var='{NS}'/></query></iq>"
        )
    };
    harness.stanza(&answer("evil.org"));
    harness.take();
    harness.stanza(&message(&entries));
    assert_eq!(harness.take().len(), 2);
    harness.stanza(&answer("example.net"));
    harness.stanza(&message(&entries));
    assert_eq!(recipients(&harness.take()), ["example.net"]);
    harness.advance(std::time::Duration::from_secs(24 * 3_600 + 1));
    harness.take();
    harness.stanza(&message(&entries));
    assert_eq!(recipients(&harness.take()), ["example.net", "a@example.net", "b@example.net"]);
}

// M15

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

// M17

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

// M18

#[test]
fn what_is_not_delivered_to_passes_untouched() {
    let mut harness = open(json!({}));
    let passed = "<address type='replyto' jid='r@example.net' desc='Bob &amp; Co' node='n'/>\
                  <address type='replyroom' jid='room@conference.example.net'/>\
                  <address type='noreply'/><address type='ofrom' jid='o@example.net/x'/>\
                  <address type='replyto' uri='sip:x@y'/>";
    let own = "<address type='replyto' jid='alice@example.com'/>";
    harness.stanza(&message(&(to("a@example.com") + passed + own)));
    assert!(has(&harness.take()[0].xml, &format!("{passed}{own}")));
    let mut harness = open(json!({ "strip_replyto": true }));
    harness.stanza(&message(&(to("a@example.com") + passed + own)));
    let xml = harness.take().remove(0).xml;
    assert!(has(&xml, own) && !xml.contains("r@example.net") && xml.contains("noreply"), "{xml}");
}

// M19

#[test]
fn id_language_and_everything_else_stay_as_they_are() {
    let mut harness = open(json!({}));
    harness.stanza(&format!(
        "<message id='m1' type='chat' xml:lang='de' from='alice@example.com/x' to='{JID}'>\
         <origin-id xmlns='urn:xmpp:sid:0' id='o1'/><addresses xmlns='{NS}'>{}{}</addresses>\
         <body>Hallo</body></message>",
        to("a@example.com"),
        to("b@example.com")
    ));
    for copy in harness.take() {
        assert!(copy.xml.starts_with(
            "<message from='alice@example.com/x' id='m1' type='chat' xml:lang='de' to='"
        ));
        assert!(copy.xml.contains("'><origin-id xmlns='urn:xmpp:sid:0' id='o1'/><addresses "));
        assert!(copy.xml.ends_with("</addresses><body>Hallo</body></message>"));
    }
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

// M20

#[test]
fn a_list_stands_for_its_members_and_does_not_show_them() {
    let mut harness = open(json!({}));
    let verb = |harness: &mut common::Machine, verb: &str, arguments| {
        harness.verb(verb, arguments).expect("an answer").status
    };
    let owners = json!({ "list": "team", "owners": "alice@example.com" });
    assert_eq!(verb(&mut harness, "lists/create", owners.clone()), 200);
    assert_ne!(verb(&mut harness, "lists/create", owners), 200);
    let members = json!({ "list": "team", "members": ["b@example.com", "c@example.net"] });
    assert_eq!(verb(&mut harness, "lists/add", members), 200);
    let looped = json!({ "list": "team", "members": ["team@multicast.example.com"] });
    assert_ne!(verb(&mut harness, "lists/add", looped), 200);
    harness.restart();
    echo(&mut harness);
    harness.take();
    let entries = to("team@multicast.example.com") + &to("b@example.com");
    harness.stanza(&message(&entries));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["b@example.com", "c@example.net"]);
    assert!(has(
        &sent[1].xml,
        "<address type='to' jid='team@multicast.example.com' delivered='true'/>"
    ));
    assert!(!sent[0].xml.contains("c@example.net"));

    harness.stanza(&from("bob@example.com/x", &entries));
    assert_eq!(error(&mut harness).0, "forbidden");
    harness.stanza(&message(&to("other@multicast.example.com")));
    assert_eq!(error(&mut harness).0, "item-not-found");
    // A member from elsewhere cannot reach another from elsewhere.
    let more = json!({ "list": "team", "members": "dave@example.org" });
    assert_eq!(verb(&mut harness, "lists/add", more), 200);
    harness.stanza(&from("dave@example.org/x", &entries));
    assert_eq!(error(&mut harness).0, "forbidden");
}

#[test]
fn lists_are_changed_by_their_owners_only() {
    let mut harness = open(json!({}));
    harness.verb("lists/create", json!({ "list": "team", "owners": "alice@example.com" }));
    let command = |who: &str, session: &str, form: &str| {
        format!(
            "<iq type='set' id='1' from='{who}' to='{JID}'><command node='lists/add' \
             xmlns='http://jabber.org/protocol/commands'{session}>{form}</command></iq>"
        )
    };
    let form = "<x xmlns='jabber:x:data' type='submit'>\
                <field var='list'><value>team</value></field>\
                <field var='members'><value>b@example.com</value></field></x>";
    let mut run = |who: &str| {
        harness.stanza(&command(who, "", ""));
        let asked = harness.take().remove(0).element();
        let session = asked.children().next().and_then(|command| command.attr("sessionid"));
        let session = format!(" sessionid='{}'", session.expect("a session"));
        harness.stanza(&command(who, &session, form));
        harness.take().remove(0).xml
    };
    let refused = run("mallory@example.com/x");
    assert!(refused.contains("<forbidden"), "{refused}");
    let done = run("alice@example.com/x");
    assert!(done.contains("status='completed'"), "{done}");
}

// The report

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
