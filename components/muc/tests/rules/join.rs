//! §7.1, §7.2: entering.

use annex_muc::{
    Muc,
    keys::{self, PublicRecord, RoomRecord},
};
use annex_service::{record::Record, service::Service, store::Op};
use annex_testkit::Harness;

use crate::table::*;

/// Case 1.
#[test]
fn others_come_first_then_oneself_then_history_then_the_subject() {
    let mut table = Table::new();
    table.join(BOB, "Bob");
    table.message(ALICE, "<subject>Cakes</subject>");
    table.say(BOB, "one");
    table.say(BOB, "two");
    table.quiet();
    table.join(CAROL, "Carol");
    table.told(
        CAROL,
        &[
            "Ann owner/moderator",
            "Bob none/participant",
            "Carol none/participant carol@example.net/cell 110",
            "Bob: one (delayed)",
            "Bob: two (delayed)",
            "Ann: subject [Cakes] (delayed)",
        ],
    );
    table.told(BOB, &["Carol none/participant"]);
    table.told(ALICE, &["Carol none/participant carol@example.net/cell"]);
    table.silence();
}

/// Case 3.
#[test]
fn one_who_joins_again_gets_everything_and_the_others_nothing() {
    let mut table = Table::three();
    table.join(BOB, "Bob");
    table.told(
        BOB,
        &[
            "Ann owner/moderator",
            "Carol none/participant",
            "Bob none/participant bob@example.com/desk 110",
            ": subject []",
        ],
    );
    table.silence();
    table.say(ALICE, "still one of each");
    table.told(BOB, &["Ann: still one of each"]);
}

/// Case 3.
#[test]
fn others_are_told_of_a_join_again_only_what_changed() {
    let mut table = Table::three();
    table.stanza(&format!(
        "<presence from='{BOB}' to='{ROOM}/Bob'><show>dnd</show><x xmlns='http://jabber.org/protocol/muc'/></presence>"
    ));
    table.told(CAROL, &["Bob (dnd) none/participant"]);
    table.told(ALICE, &["Bob (dnd) none/participant bob@example.com/desk"]);
}

/// Case 4, §7.2.18.
#[test]
fn presence_without_x_from_a_stranger_is_a_kick_and_makes_no_room() {
    let mut table = Table::empty();
    table.presence(BOB, "Bob", "");
    table.told(BOB, &["-Bob none/none because You are not in the room. 110 307 333"]);
    table.join(ALICE, "Ann");
    table.told(ALICE, &["Ann owner/moderator alice@example.com/phone 110 201", ": subject []"]);
}

/// §7.2.1.
#[test]
fn presence_to_a_room_needs_a_nickname_from_a_stranger() {
    let mut table = Table::new();
    table.stanza(&format!("<presence from='{BOB}' to='{ROOM}'/>"));
    table.told(BOB, &["presence: error modify jid-malformed"]);
    table.stanza(&format!("<presence from='{BOB}' to='{ROOM}' type='unavailable'/>"));
    table.silence();
}

/// Case 5, §17.3.
#[test]
fn only_available_presence_enters() {
    let mut table = Table::new();
    for kind in ["subscribe", "subscribed", "unsubscribe", "unsubscribed", "unavailable", "error"] {
        table.stanza(&format!(
            "<presence from='{BOB}' to='{ROOM}/Bob' type='{kind}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        ));
        table.silence();
    }
    // RFC 6121 §3.1.3: his server waits for an answer.
    table.stanza(&format!("<presence from='{BOB}' to='{ROOM}' id='s' type='subscribe'/>"));
    table.told("bob@example.com", &["unsubscribed "]);
    table.silence();
    table.stanza(&format!("<presence from='{BOB}' to='{ROOM}/Ann' type='probe'/>"));
    table.told(BOB, &["presence: error modify not-acceptable"]);
    table.stanza(&format!("<presence from='{ALICE}' to='{ROOM}/Ann' type='probe'/>"));
    table.told(ALICE, &["Ann owner/moderator alice@example.com/phone 110"]);
}

/// Case 6, §7.2.1.
#[test]
fn a_nickname_is_needed_and_must_be_visible() {
    let mut table = Table::new();
    table.stanza(&format!(
        "<presence from='{BOB}' to='{ROOM}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
    ));
    table.told(BOB, &["presence: error modify jid-malformed"]);
    for nick in ["a\u{200b}", "\u{a0}x", "a\u{202e}b", "x ", &"n".repeat(1000)] {
        table.join(BOB, nick);
        table.told(BOB, &["presence: error modify jid-malformed"]);
    }
    table.silence();
}

/// Case 7.
#[test]
fn room_names_are_compared_without_case() {
    let mut table = Table::new();
    table.stanza(&format!(
        "<presence from='{BOB}' to='TEA@Rooms.example.com/Bob'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
    ));
    table.told(ALICE, &["Bob none/participant bob@example.com/desk"]);
}

/// Case 7: whoever made it, and whatever an older program kept of how he spelled it.
#[test]
fn everybody_is_told_the_same_address_of_a_room() {
    let mut table = Table::empty();
    let join = |table: &mut Table, who: &str, to: &str| {
        table.stanza(&format!(
            "<presence from='{who}' to='{to}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"
        ));
    };
    join(&mut table, ALICE, "TEA@Rooms.Example.Com/Ann");
    table.submit(&[("muc#roomconfig_publicroom", &["1"])]);
    join(&mut table, BOB, "Tea@rooms.example.com/Bob");
    table.say(BOB, "x");
    let told = |table: &mut Table, who: &str| {
        let sent = table.harness.take_to(who);
        for sent in sent.iter().filter(|sent| !sent.xml.starts_with("<iq")) {
            let from = sent.element().attr("from").map(str::to_owned).expect("a sender");
            assert!(from.starts_with(ROOM), "{from}");
            assert!(!sent.xml.contains("by='T"), "{}", sent.xml);
        }
        sent.len()
    };
    assert_eq!((told(&mut table, ALICE), told(&mut table, BOB)), (5, 4));

    let mut store = table.harness.store().clone();
    for row in store.table(keys::ROOMS) {
        let mut record = RoomRecord::of(&row).expect("a record");
        record.local = "TEA".into();
        let (table, key, value) = (keys::ROOMS, row.key.to_vec(), record.encode());
        store.commit(&[Op::Put { table, key, value }]);
    }
    for row in store.table(keys::PUBLIC) {
        let mut record = PublicRecord::of(&row).expect("a record");
        record.local = "TEA".into();
        let (table, key, value) = (keys::PUBLIC, row.key.to_vec(), record.encode());
        store.commit(&[Op::Put { table, key, value }]);
    }
    let build = || Service::<Muc>::new(annex_testkit::common("rooms.example.com"), &quiet());
    let mut table = Table { harness: Harness::over(store, build) };
    table.quiet();
    table.say(BOB, "x");
    table.stanza(&format!(
        "<iq from='{DAVE}' to='rooms.example.com' id='i' type='get'>
           <query xmlns='http://jabber.org/protocol/disco#items'/></iq>"
    ));
    assert!(
        table.harness.take_to(DAVE)[0].xml.contains(&format!("<item jid='{ROOM}' name='tea'/>"))
    );
    assert_eq!((told(&mut table, ALICE), told(&mut table, BOB)), (1, 1));
}

/// Case 8, §7.2.3.
#[test]
fn a_non_anonymous_room_shows_everybody_to_everybody_and_says_so() {
    let mut table = Table::new();
    table.submit(&[("muc#roomconfig_whois", &["anyone"])]);
    table.join(BOB, "Bob");
    table.quiet();
    table.join(CAROL, "Carol");
    table.told(
        CAROL,
        &[
            "Ann owner/moderator alice@example.com/phone",
            "Bob none/participant bob@example.com/desk",
            "Carol none/participant carol@example.net/cell 100 110",
            ": subject []",
        ],
    );
    table.told(BOB, &["Carol none/participant carol@example.net/cell"]);
}

/// Case 9, §17.3.
#[test]
fn presence_is_reflected_untouched_but_for_what_only_the_room_may_say() {
    let mut table = Table::three();
    table.presence(
        BOB,
        "Bob",
        "<show>away</show><status xml:lang='de'>weg</status><priority>3</priority>
         <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' ver='y'/>
         <foo xmlns='urn:x'><bar/></foo>
         <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='moderator'/></x>
         <hats xmlns='urn:xmpp:hats:0'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>
         <stanza-id xmlns='urn:xmpp:sid:0' by='tea@rooms.example.com' id='forged'/>
         <stanza-id xmlns='urn:xmpp:sid:0' by='bob@example.com' id='his'/>
         <delay xmlns='urn:xmpp:delay' from='tea@rooms.example.com' stamp='2020-01-01T00:00:00Z'/>",
    );
    let sent = table.harness.take_to(CAROL);
    sent[0].expect(&format!(
        "<presence from='{ROOM}/Bob' to='{CAROL}'>
           <show>away</show><status xml:lang='de'>weg</status><priority>3</priority>
           <c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='x' ver='y'/>
           <foo xmlns='urn:x'><bar/></foo>
           <stanza-id xmlns='urn:xmpp:sid:0' by='bob@example.com' id='his'/>
           <x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='none' role='participant'/></x>
           <occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/>
         </presence>"
    ));
    assert!(!sent[0].xml.contains("forged"));
}

/// Case 10.
#[test]
fn an_update_to_the_room_itself_counts() {
    let mut table = Table::three();
    table.stanza(&format!("<presence from='{BOB}' to='{ROOM}'><show>xa</show></presence>"));
    table.told(CAROL, &["Bob (xa) none/participant"]);
}

/// §7.7.
#[test]
fn an_update_reaches_all_and_oneself_with_110() {
    let mut table = Table::three();
    table.presence(BOB, "Bob", "<show>away</show>");
    table.told(BOB, &["Bob (away) none/participant bob@example.com/desk 110"]);
    table.told(CAROL, &["Bob (away) none/participant"]);
    table.told(ALICE, &["Bob (away) none/participant bob@example.com/desk"]);
    table.presence(BOB, "Bob", "<show>away</show>");
    table.told(BOB, &["Bob (away) none/participant bob@example.com/desk 110"]);
    table.silence();
}

/// Case 41, §7.2.2.
#[test]
fn who_has_a_role_that_is_not_broadcast_is_seen_by_nobody_else() {
    let mut table = Table::new();
    table.submit(&[
        ("muc#roomconfig_moderatedroom", &["1"]),
        ("muc#roomconfig_presencebroadcast", &["moderator", "participant"]),
    ]);
    table.quiet();
    table.join(BOB, "Bob");
    table.told(
        BOB,
        &["Ann owner/moderator", "Bob none/visitor bob@example.com/desk 110", ": subject []"],
    );
    table.silence();
    table.presence(BOB, "Bobby", "");
    table.told(
        BOB,
        &[
            "-Bob none/visitor bob@example.com/desk →Bobby 110 303",
            "Bobby none/visitor bob@example.com/desk 110",
        ],
    );
    table.silence();
    table.admin(ALICE, "<item nick='Bobby' role='participant'/>");
    table.told(ALICE, &["result a", "Bobby none/participant bob@example.com/desk by Ann"]);
    table.quiet();
    table.admin(ALICE, "<item nick='Bobby' role='visitor'/>");
    table.told(ALICE, &["result a", "-Bobby none/none bob@example.com/desk"]);
    table.told(BOB, &["Bobby none/visitor bob@example.com/desk by Ann 110"]);
    table.leave(BOB, "Bobby");
    table.told(BOB, &["-Bobby none/none bob@example.com/desk 110"]);
    table.silence();
}

/// §7.14.
#[test]
fn who_leaves_is_told_and_so_are_the_others() {
    let mut table = Table::three();
    table.leave(BOB, "Bob");
    table.told(BOB, &["-Bob none/none bob@example.com/desk 110"]);
    table.told(CAROL, &["-Bob none/none"]);
    table.told(ALICE, &["-Bob none/none bob@example.com/desk"]);
    table.silence();
    table.leave(BOB, "Bob");
    table.silence();
}

/// Design §9: one a second, coalesced to the last.
#[test]
fn presence_that_comes_too_fast_is_reduced_to_the_last() {
    let mut table = Table::with(serde_json::json!({}));
    table.open();
    table.join(BOB, "Bob");
    table.quiet();
    for show in ["away", "xa", "dnd", "chat"] {
        table.presence(BOB, "Bob", &format!("<show>{show}</show>"));
    }
    table.told(ALICE, &["Bob (away) none/participant bob@example.com/desk"]);
    table.harness.advance(std::time::Duration::from_secs(2));
    table.told(ALICE, &["Bob (chat) none/participant bob@example.com/desk"]);
    table.quiet();
    table.harness.advance(std::time::Duration::from_secs(10));
    table.silence();
}

#[test]
fn presence_that_never_stops_coming_is_shown_every_second() {
    let mut table = Table::with(serde_json::json!({}));
    table.open();
    table.join(BOB, "Bob");
    table.quiet();
    for number in 0..100 {
        table.presence(BOB, "Bob", &format!("<status>{number}</status>"));
        table.harness.advance(std::time::Duration::from_millis(100));
    }
    let told = table.harness.take_to(ALICE).len();
    assert!((9..=11).contains(&told), "{told}");
}

/// Whoever is inside and joins again and again keeps nobody out.
#[test]
fn joins_again_have_a_rate_of_their_own() {
    let mut table = Table::with(serde_json::json!({ "joins_per_second": 3 }));
    table.open();
    for _ in 0..11 {
        table.join(ALICE, "Ann");
    }
    let told: Vec<_> = table.harness.take_to(ALICE).iter().map(brief).collect();
    assert_eq!(told.last().map(String::as_str), Some("presence: error wait policy-violation"));
    table.join(BOB, "Bob");
    table.told(ALICE, &["Bob none/participant bob@example.com/desk"]);
}

/// Nobody keeps others from entering, or tells them without end that he comes and goes.
#[test]
fn one_who_comes_and_goes_has_a_rate_of_his_own() {
    let mut table = Table::with(serde_json::json!({ "joins_per_second": 3 }));
    table.open();
    for _ in 0..32 {
        table.join(BOB, "Bob");
        table.leave(BOB, "Bob");
        table.harness.advance(std::time::Duration::from_millis(10));
    }
    table.join(BOB, "Bob");
    table.leave(BOB, "Bob");
    table.harness.advance(std::time::Duration::from_millis(10));
    table.quiet();
    for _ in 0..100 {
        table.join(BOB, "Bob");
        table.told(BOB, &["presence: error wait policy-violation"]);
    }
    table.silence();
    table.join(CAROL, "Carol");
    table.told(ALICE, &["Carol none/participant carol@example.net/cell"]);
    table.harness.advance(std::time::Duration::from_secs(1));
    table.join(BOB, "Bob");
    table.told(ALICE, &["Bob none/participant bob@example.com/desk"]);
}

#[test]
fn too_many_joins_in_a_second_are_refused_with_wait() {
    let mut table = Table::with(serde_json::json!({ "joins_per_second": 3 }));
    table.open();
    for number in 0..61 {
        table.join(&format!("u{number}@example.com/x"), &format!("u{number}"));
    }
    table.told("u60@example.com/x", &["presence: error wait policy-violation"]);
    table.harness.advance(std::time::Duration::from_secs(1));
    table.join("u60@example.com/x", "u60");
    assert_eq!(table.harness.take_to("u60@example.com/x").len(), 63);
}
