//! Messages that are written to a list itself: by clients that know no addresses, and by other
//! services, whose copies they are.

use annex_multicast::Multicast;
use serde_json::{Value, json};

use crate::common::{JID, Machine, NS, echo, from, has, message, open, recipients, to};

const TEAM: &str = "team@multicast.example.com";

/// With this list of alice's.
fn with_team(section: Value, members: &[&str]) -> Machine {
    let mut harness = open(section);
    list(&mut harness, "team", members);
    harness
}

fn list(harness: &mut Machine, name: &str, members: &[&str]) {
    harness.verb("lists/create", json!({ "list": name, "owners": "alice@example.com" }));
    if members.is_empty() {
        return;
    }
    let added = harness.verb("lists/add", json!({ "list": name, "members": members }));
    assert_eq!(added.expect("an answer").status, 200);
}

/// A message with this inside.
fn written(sender: &str, to: &str, inside: &str) -> String {
    format!("<message id='m1' from='{sender}' to='{to}'>{inside}</message>")
}

/// What alice writes with these addresses.
fn copy(to: &str, entries: &str) -> String {
    message(entries).replace(&format!("to='{JID}'"), &format!("to='{to}'"))
}

fn marked(jid: &str) -> String {
    format!("<address type='to' jid='{jid}' delivered='true'/>")
}

/// The condition of the one error that was sent, from this address.
#[track_caller]
fn refused(harness: &mut Machine, by: &str) -> String {
    let sent = harness.take();
    assert_eq!(sent.len(), 1, "{sent:?}");
    let element = sent[0].element();
    assert_eq!(element.attr("from"), Some(by), "{}", sent[0]);
    let error = element.children().find(|child| child.name() == "error").expect("an error");
    error.children().next().expect("a condition").name().to_owned()
}

#[test]
fn a_message_to_a_list_is_one_to_the_service_with_the_list_among_its_addresses() {
    let mut harness = with_team(json!({}), &["b@example.com", "c@example.net"]);
    let report = "<report xmlns='urn:annex:multicast:0'/>";
    for inside in ["<body>Hello</body>", "", report] {
        for sender in ["alice@example.com/x", "b@example.com/y"] {
            let addresses = format!("<addresses xmlns='{NS}'>{}</addresses>", to(TEAM));
            harness.stanza(&written(sender, JID, &(addresses + inside)));
            let among = harness.take();
            assert_eq!(recipients(&among)[..2], ["b@example.com", "c@example.net"]);
            harness.stanza(&written(sender, TEAM, inside));
            let itself = harness.take();
            assert_eq!(itself.len(), among.len());
            for (one, other) in itself.iter().zip(&among) {
                one.expect(&other.xml);
            }
        }
    }
}

#[test]
fn a_message_to_a_list_is_of_those_who_may_write_to_it_and_reaches_whom_they_reach() {
    let mut harness = with_team(json!({}), &["b@example.com", "c@example.net"]);
    list(&mut harness, "empty", &[]);
    let at = |local: &str| format!("{local}@{JID}");
    let body = "<body>Hello</body>";
    for (sender, to, condition) in [
        ("mallory@example.com/x", at("team"), "forbidden"),
        // Our server cannot speak for another domain to a third.
        ("c@example.net/x", at("team"), "forbidden"),
        ("alice@example.com/x", at("other"), "item-not-found"),
        ("alice@example.com/x", at("empty"), "item-not-found"),
        ("alice@example.com/x", at("team") + "/x", "item-not-found"),
    ] {
        harness.stanza(&written(sender, &to, body));
        let addressed = harness.take();
        let [sent] = &addressed[..] else { panic!("{addressed:?}") };
        sent.expect(&format!(
            "<message type='error' id='m1' from='{to}' to='{sender}'><etc/><error etc=''>\
             <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><etc/></error></message>"
        ));
    }
}

#[test]
fn a_list_is_no_room_and_errors_end_there() {
    let mut harness = with_team(json!({}), &["b@example.com"]);
    let typed = |kind: &str| {
        let kind = format!("<message type='{kind}' ");
        written("alice@example.com/x", TEAM, "<body>x</body>").replace("<message ", &kind)
    };
    harness.stanza(&typed("groupchat"));
    assert_eq!(refused(&mut harness, TEAM), "service-unavailable");
    harness.stanza(&typed("error"));
    assert!(harness.take().is_empty());
    for kind in ["chat", "headline"] {
        harness.stanza(&typed(kind));
        let sent = harness.take();
        assert!(sent[0].xml.contains(&format!("type='{kind}'")), "{sent:?}");
    }
}

#[test]
fn what_was_written_to_a_list_and_may_not_have_arrived_is_sent_again() {
    let entries = marked(TEAM);
    for stanza in [written("alice@example.com/x", TEAM, "<body/>"), copy(TEAM, &entries)] {
        let mut harness = with_team(json!({}), &["b@example.com"]);
        harness.hold();
        harness.stanza(&stanza);
        harness.crash(annex_testkit::Crash::AfterCommit);
        echo(&mut harness);
        let again = harness.take_to("b@example.com");
        assert!(again.len() == 1 && has(&again[0].xml, &entries), "{again:?}");
    }
}

#[test]
fn a_copy_that_another_service_made_for_a_list_goes_to_its_members_as_it_is_and_to_nobody_else() {
    let mut harness = with_team(json!({}), &["b@example.com", "c@example.com", "d@example.com"]);
    let mine = marked(TEAM);
    // XEP-0033 §4.5: one that has got it before.
    let entries = mine.clone()
        + &marked("c@example.com")
        + "<address type='cc' jid='other@example.com'/><address type='what' x='1'/>\
           <address type='replyto' jid='r@example.org'/>";
    let secret = "<address type='bcc' jid='d@example.com'/>";
    harness.stanza(&copy(TEAM, &(entries.clone() + secret)));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["b@example.com"]);
    sent[0].expect(&copy("b@example.com", &entries));
    // XEP-0033 §4.6.3: nobody marks a blind one.
    let blind = mine.replace("'to'", "'bcc'").replace(" delivered='true'", "");
    harness.stanza(&copy(TEAM, &blind));
    let sent = harness.take();
    assert_eq!(recipients(&sent), ["b@example.com", "c@example.com", "d@example.com"]);
    assert!(sent.iter().all(|one| has(&one.xml, &blind)), "{sent:?}");
    // What everyone has got before comes to its end without a word.
    let all = ["b@example.com", "c@example.com", "d@example.com"].map(marked).concat();
    harness.stanza(&copy(TEAM, &(mine + &all)));
    assert!(harness.take().is_empty());
}

#[test]
fn a_copy_for_a_list_is_of_those_who_may_write_to_it() {
    let mut harness = with_team(json!({}), &["b@example.com", "c@example.net"]);
    list(&mut harness, "empty", &[]);
    for (sender, to, condition) in [
        ("mallory@example.com/x", TEAM, "forbidden"),
        ("c@example.net/x", TEAM, "forbidden"),
        ("alice@example.com/x", "other@multicast.example.com", "item-not-found"),
        ("alice@example.com/x", "empty@multicast.example.com", "item-not-found"),
    ] {
        let stanza = from(sender, &marked(to));
        harness.stanza(&stanza.replace(&format!("to='{JID}'"), &format!("to='{to}'")));
        assert_eq!(refused(&mut harness, to), condition);
    }
}

#[test]
fn a_list_whose_entry_is_not_marked_is_not_written_to_with_addresses() {
    let mut harness = with_team(json!({}), &["b@example.com"]);
    for entries in [
        to(TEAM),
        to("b@example.com"),
        marked("b@example.com"),
        marked("other@multicast.example.com"),
        format!("<address type='replyto' jid='{TEAM}' delivered='true'/>"),
    ] {
        harness.stanza(&copy(TEAM, &entries));
        assert_eq!(refused(&mut harness, TEAM), "item-not-found", "{entries}");
    }
}

/// Another service of the same server, so that both reach each other's lists.
const FAR: &str = "lists.example.com";

/// What becomes of a stanza between two services, until nothing more is under way: to whom copies
/// went, in order.
fn between(services: &mut [Machine; 2], stanza: &str, at: usize) -> Vec<String> {
    let mut reached = Vec::new();
    services[at].stanza(stanza);
    for _ in 0..100 {
        let mut moved = false;
        for at in 0..2 {
            for sent in services[at].take() {
                let element = sent.element();
                if element.name() != "message" || element.attr("type") == Some("error") {
                    continue;
                }
                match [JID, FAR].iter().position(|one| sent.to.ends_with(one)) {
                    Some(next) => {
                        moved = true;
                        reached.push(sent.to.clone());
                        services[next].stanza(&sent.xml);
                    }
                    None => reached.push(sent.to.clone()),
                }
            }
        }
        if !moved {
            reached.sort_unstable();
            return reached;
        }
    }
    panic!("it goes round and round: {reached:?}");
}

#[test]
fn lists_that_contain_each_other_across_services_keep_nothing_going() {
    let mut far = annex_testkit::service::<Multicast>(FAR, json!({}));
    let probe = far.take_to(FAR).pop().expect("a probe");
    far.stanza(&probe.xml);
    far.take();
    let club = "club@lists.example.com";
    list(&mut far, "club", &[TEAM, "team2@multicast.example.com", "c@example.com"]);
    list(&mut far, "club2", &[TEAM, "c2@example.com"]);
    let mut near = with_team(json!({}), &[club, "club2@lists.example.com", "b@example.com"]);
    list(&mut near, "team2", &[club, "b2@example.com"]);
    let mut services = [near, far];
    let both = to(TEAM) + &to(club);
    let blind = format!("<address type='bcc' jid='{TEAM}'/><address type='bcc' jid='{club}'/>");
    // Each that its sender named has its turn, once.
    for (stanza, expected) in [
        (message(&both), &["b@example.com", "c@example.com"][..]),
        (message(&blind), &["b@example.com", "c@example.com"]),
        (message(&(to(TEAM) + &blind)), &["b@example.com", "c@example.com"]),
        (message(&to(TEAM)), &["b@example.com"]),
        (message(&to(club)), &["c@example.com"]),
        (written("alice@example.com/x", TEAM, "<body/>"), &["b@example.com"]),
        (copy(TEAM, &(marked(TEAM) + &to(club))), &["b@example.com"]),
        (copy(TEAM, &(marked(TEAM) + &marked(club))), &["b@example.com"]),
    ] {
        let reached = between(&mut services, &stanza, 0);
        let people: Vec<_> = reached.iter().filter(|one| one.ends_with("@example.com")).collect();
        assert_eq!(people, expected, "{stanza}: {reached:?}");
    }
}

#[test]
fn a_member_with_an_entry_of_its_own_gets_the_copy_for_that() {
    let mut harness = with_team(json!({}), &["b@example.com", "c@example.com"]);
    let blind = |jid: &str| to(jid).replace("'to'", "'bcc'");
    harness.stanza(&message(&(blind(TEAM) + &blind("b@example.com"))));
    let [b] = &harness.take_to("b@example.com")[..] else { panic!("one copy") };
    assert!(has(&b.xml, &blind("b@example.com")) && !b.xml.contains("team"), "{b}");
    let [c] = &harness.take_to("c@example.com")[..] else { panic!("one copy") };
    assert!(has(&c.xml, &blind(TEAM)), "{c}");
    harness.stanza(&message(&(to(TEAM) + &blind("b@example.com"))));
    let [b] = &harness.take_to("b@example.com")[..] else { panic!("one copy") };
    assert!(has(&b.xml, &(marked(TEAM) + &blind("b@example.com"))), "{b}");
}

#[test]
fn a_list_that_was_delivered_to_is_not_delivered_to_again_and_one_named_twice_once() {
    let mut harness = with_team(json!({}), &["b@example.com"]);
    for again in [to(TEAM), format!("<address type='bcc' jid='{TEAM}/x'/>")] {
        // XEP-0033 §4.5
        harness.stanza(&message(&(marked(TEAM) + &again)));
        assert!(harness.take().is_empty());
        harness.stanza(&message(&(again + &marked(TEAM) + &to("d@example.com"))));
        assert_eq!(recipients(&harness.take()), ["d@example.com"]);
    }
    let blind = format!("<address type='bcc' jid='{TEAM}'/>");
    let report = "<report xmlns='urn:annex:multicast:0'/><body>";
    for entries in [blind.clone() + &to(TEAM), to(TEAM) + &blind, to(TEAM) + &to(TEAM)] {
        harness.stanza(&message(&entries).replace("<body>", report));
        let told = harness.take_to("alice@example.com/phone");
        assert!(told[0].xml.contains("sent='1'"), "{told:?}");
        let sent = harness.take();
        assert!(sent.len() == 1 && !sent[0].xml.contains("bcc"), "{sent:?}");
    }
}
