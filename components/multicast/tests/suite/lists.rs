//! Stored lists of recipients.

use serde_json::json;

use crate::common::{JID, Machine, echo, error, from, has, message, open, recipients, to};

#[test]
fn a_list_stands_for_its_members_and_does_not_show_them() {
    let mut harness = open(json!({}));
    let verb = |harness: &mut Machine, verb: &str, arguments| {
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
    // A member from elsewhere cannot reach another from elsewhere, nor learn who it is.
    let more = json!({ "list": "team", "members": "dave@example.org" });
    assert_eq!(verb(&mut harness, "lists/add", more), 200);
    harness.stanza(&from("dave@example.org/x", &entries));
    let (condition, text) = error(&mut harness);
    assert_eq!(condition, "forbidden");
    assert!(text.contains("not team@multicast.example.com;"), "{text}");
}

#[test]
fn a_list_without_members_is_told_of_and_holds_up_nobody_else() {
    let mut harness = open(json!({}));
    let owners = json!({ "list": "team", "owners": "alice@example.com" });
    harness.verb("lists/create", owners);
    let team = to(&format!("team@{JID}"));
    harness.stanza(&message(&team));
    assert_eq!(error(&mut harness).0, "item-not-found");
    harness.stanza(&message(&(team + &to("b@example.com"))));
    assert_eq!(recipients(&harness.take()), ["b@example.com"]);
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

#[test]
fn a_report_names_the_list_that_was_written_to_and_what_has_no_address_by_what_it_has() {
    let mut harness = open(json!({ "bad_address": "itself" }));
    let owners = json!({ "list": "Team", "owners": "alice@example.com" });
    harness.verb("lists/create", owners);
    let members = json!({ "list": "team", "members": ["b@example.com", "c@example.com"] });
    harness.verb("lists/add", members);
    let entries = to("Team@multicast.example.com")
        + &to("d@example.com")
        + "<address type='to' uri='sip:x'/><address type='to'/>";
    harness.stanza(
        &message(&entries).replace("<body>", "<report xmlns='urn:annex:multicast:0'/><body>"),
    );
    let told = harness.take_to("alice@example.com/phone");
    told.last().expect("a report").expect(&format!(
        "<message from='{JID}' to='alice@example.com/phone'>\
         <report xmlns='urn:annex:multicast:0' id='m1' sent='2' relayed='0' refused='2'>\
         <address uri='sip:x' status='refused'>URIs lead nowhere here</address>\
         <address status='refused'>it needs a type, and either a jid or a uri</address>\
         <address jid='Team@{JID}' status='sent'/>\
         <address jid='d@example.com' status='sent'/></report></message>"
    ));
}
