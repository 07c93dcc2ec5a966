//! Who gets which copy, and what it shows (XEP-0033 §4, §6, §7).

use serde_json::json;

use crate::common::{JID, NS, canonical, has, message, open, recipients, to};

/// Case M1.
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
    let has = format!(
        "<query xmlns='http://jabber.org/protocol/disco#info'><feature var='{NS}'/></query>"
    );
    // Once more behind a trial.
    for _ in 0..2 {
        let asked = harness.take_to("multicast.header2.org").pop().expect("info").element();
        harness.stanza(&result("multicast.header2.org", asked.attr("id").expect("an id"), &has));
    }
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

/// Case M2.
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

#[test]
fn a_blind_addressee_finds_its_entry_where_the_sender_put_it() {
    let mut harness = open(json!({}));
    let shown = |i: usize| format!("<address type='to' jid='t{i}@example.com'/>");
    let blind = |i: usize| format!("<address type='bcc' jid='b{i}@example.com'/>");
    let entries: String = (0..25).map(|i| shown(i) + &blind(i)).collect();
    harness.stanza(&message(&entries));
    let sent = harness.take();
    assert_eq!(sent.len(), 50);
    let mark = |i: usize| shown(i).replace("/>", " delivered='true'/>");
    for i in 0..25 {
        let own = sent.iter().find(|sent| sent.to == format!("b{i}@example.com")).expect("a copy");
        let header: String =
            (0..25).map(|at| mark(at) + &if at == i { blind(i) } else { String::new() }).collect();
        assert!(has(&own.xml, &header), "{own}");
    }
}

/// Case M3.
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

/// Case M4.
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

/// Case M9.
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

#[test]
fn a_room_and_its_occupants_are_different_addressees() {
    let mut harness = open(json!({}));
    let all = ["room@rooms.example.com", "room@rooms.example.com/a", "room@rooms.example.com/b"];
    harness.stanza(&message(&all.map(to).concat()));
    let sent = harness.take();
    let copies: Vec<_> = sent.iter().filter(|sent| sent.xml.starts_with("<message")).collect();
    assert_eq!(copies.len(), 3, "{copies:?}");
}

#[test]
fn what_is_marked_delivered_covers_its_own_address_only() {
    let mut harness = open(json!({}));
    let marked = "<address type='to' jid='b@example.com' delivered='true'/>";
    harness.stanza(&message(&(marked.to_owned() + &to("b@example.com/r") + &to("b@example.com"))));
    assert_eq!(recipients(&harness.take()), ["b@example.com/r"]);
}

/// Case M18.
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

/// Case M19.
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
