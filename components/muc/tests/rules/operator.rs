//! Verbs of the operator, and what is stored about a person.

use serde_json::{Value, json};

use crate::table::*;

fn verb(table: &mut Table, verb: &str, arguments: Value) -> Value {
    let answer = table.harness.verb(verb, arguments).expect("an answer");
    serde_json::from_slice(&answer.body).expect("JSON")
}

#[test]
fn rooms_are_listed_shown_and_destroyed() {
    let mut table = Table::three();
    let list = verb(&mut table, "rooms list", json!({}));
    assert_eq!(list["rows"], json!([["tea", "", "3", "temporary", "hidden"]]));
    let show = verb(&mut table, "rooms show", json!({ "room": "tea" }));
    assert!(show["rows"].to_string().contains("alice@example.com"));
    let who = verb(&mut table, "occupants", json!({ "room": ROOM }));
    assert_eq!(who["rows"][1], json!(["Bob", BOB, "participant", "none"]));
    let gone = verb(&mut table, "rooms destroy", json!({ "room": "tea", "reason": "over" }));
    assert_eq!(gone["note"], "tea@rooms.example.com is destroyed");
    table.told(BOB, &["-Bob none/none destroy 110"]);
    let list = verb(&mut table, "rooms list", json!({}));
    assert_eq!(list["rows"], json!([]));
    let missing = verb(&mut table, "rooms show", json!({ "room": "tea" }));
    assert!(missing["error"].is_string(), "{missing}");
}

#[test]
fn a_person_is_shown_and_forgotten() {
    let mut table = Table::three();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='admin'/>");
    table.say(BOB, "remember me");
    table.quiet();
    let show = verb(&mut table, "person show", json!({ "jid": "bob@example.com" }));
    let kinds: Vec<_> =
        show["rows"].as_array().expect("rows").iter().map(|row| row[1].clone()).collect();
    assert_eq!(kinds, ["affiliation", "session", "message", "occupant id"]);
    table.silence();
    verb(&mut table, "person forget", json!({ "jid": "bob@example.com", "messages": "delete" }));
    let told: Vec<_> = table.harness.take_to(CAROL).iter().map(brief).collect();
    assert_eq!(told.last().map(String::as_str), Some("-Bob none/none 321"));
    let show = verb(&mut table, "person show", json!({ "jid": "bob@example.com" }));
    assert_eq!(show["rows"], json!([]));
    table.quiet();
    table.join(DAVE, "Dave");
    assert_eq!(table.harness.take_to(DAVE).len(), 4);
    // Who made a room is known of him too.
    let show = verb(&mut table, "person show", json!({ "jid": "alice@example.com" }));
    assert!(show["rows"].to_string().contains("created"), "{show}");
    verb(&mut table, "person forget", json!({ "jid": "alice@example.com" }));
    let show = verb(&mut table, "person show", json!({ "jid": "alice@example.com" }));
    assert_eq!(show["rows"], json!([]));
}

/// §8.1: a subject is shown with who set it, to everybody who enters.
#[test]
fn a_subject_goes_with_who_set_it_and_what_is_counted_is_the_same() {
    let bob = || json!({ "jid": "bob@example.com" });
    let forget = |messages: &str| json!({ "jid": "bob@example.com", "messages": messages });
    let mut table = Table::three();
    table.submit(&[("muc#roomconfig_changesubject", &["1"])]);
    table.join(BOB2, "Bob");
    table.say(BOB, "Hello");
    table.message(BOB, "<subject>private words</subject>");
    // One that another has set is not shown.
    table.stanza(&format!(
        "<presence from='{ALICE}' to='cakes@rooms.example.com/Ann'><x xmlns='http://jabber.org/protocol/muc'/></presence>
         <message from='{ALICE}' to='cakes@rooms.example.com' type='groupchat'><subject>Cakes</subject></message>"
    ));
    // A room that ends with his sessions.
    for session in [BOB, BOB2] {
        table.stanza(&format!(
            "<presence from='{session}' to='bobs@rooms.example.com/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        ));
    }
    table.quiet();
    let show = verb(&mut table, "person show", bob());
    assert_eq!(show["note"], "10 records", "{show}");
    let subjects: Vec<_> = show["rows"].as_array().expect("rows").iter().collect();
    let subjects: Vec<_> = subjects.into_iter().filter(|row| row[1] == "subject").collect();
    assert_eq!(subjects, [&json!(["tea", "subject", "private words"])]);
    let gone = verb(&mut table, "person forget", forget("keep"));
    assert_eq!(gone["note"], "8 records forgotten; 2 messages and subjects kept");
    table.quiet();
    table.join(DAVE, "Dave");
    let told: Vec<_> = table.harness.take_to(DAVE).iter().map(brief).collect();
    assert_eq!(told.last().map(String::as_str), Some("Bob: subject [private words] (delayed)"));

    let mut table = Table::three();
    table.submit(&[("muc#roomconfig_changesubject", &["1"])]);
    table.message(BOB, "<subject>private words</subject>");
    table.quiet();
    let show = verb(&mut table, "person show", bob());
    assert_eq!(show["note"], "3 records", "{show}");
    let gone = verb(&mut table, "person forget", forget("delete"));
    assert_eq!(gone["note"], "3 records forgotten");
    table.told(CAROL, &["-Bob none/none 321", ": subject []"]);
    table.join(DAVE, "Dave");
    let told: Vec<_> = table.harness.take_to(DAVE).iter().map(brief).collect();
    assert_eq!(told.last().map(String::as_str), Some(": subject []"));
    assert_eq!(verb(&mut table, "person show", bob())["note"], "0 records");
}
