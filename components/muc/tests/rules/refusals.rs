//! §7.2.5–7.2.11: who may not enter, and what he is told of it.

use crate::table::*;

/// Case 11, 12: lock, ban, members, password, full, nickname.
#[test]
fn the_first_reason_of_a_fixed_order_is_told() {
    let mut table = Table::new();
    table.join(BOB, "Bob");
    table.submit(&[
        ("muc#roomconfig_membersonly", &["0"]),
        ("muc#roomconfig_passwordprotectedroom", &["1"]),
        ("muc#roomconfig_roomsecret", &["sesame"]),
        ("muc#roomconfig_maxusers", &["2"]),
    ]);
    table.admin(ALICE, "<item jid='dave@example.net' affiliation='outcast'/>");
    table.quiet();
    let secret = "<password>sesame</password>";
    table.join_with(CAROL, "Bob", secret);
    table.told(CAROL, &["presence: error wait service-unavailable"]);
    table.join(CAROL, "Bob");
    table.told(CAROL, &["presence: error auth not-authorized"]);
    table.submit(&[("muc#roomconfig_membersonly", &["1"])]);
    table.quiet();
    table.join(CAROL, "Bob");
    table.told(CAROL, &["presence: error auth registration-required"]);
    table.join(DAVE, "Bob");
    table.told(DAVE, &["presence: error auth forbidden"]);
}

/// Case 14, §7.2.10, §17.2.
#[test]
fn a_locked_room_does_not_exist_for_others() {
    let mut table = Table::empty();
    table.join(ALICE, "Ann");
    table.quiet();
    table.join(BOB, "Bob");
    table.told(BOB, &["presence: error cancel item-not-found"]);
    table.say(BOB, "hello?");
    table.told(BOB, &["message: error cancel item-not-found"]);
    table.stanza(&format!(
        "<iq from='{BOB}' to='{ROOM}' id='d' type='get'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>"
    ));
    table.told(BOB, &["iq: error cancel item-not-found"]);
    table.whisper(BOB, "Ann", "<body>hello?</body>");
    table.told(BOB, &["message: error cancel item-not-found"]);
    for payload in [
        "type='get'><ping xmlns='urn:xmpp:ping'/>",
        "type='get'><query xmlns='jabber:iq:version'/>",
        "type='get'><query xmlns='http://jabber.org/protocol/muc#owner'/>",
        "type='get'><query xmlns='http://jabber.org/protocol/muc#admin'><item role='visitor'/></query>",
        "type='set'><query xmlns='http://jabber.org/protocol/muc#admin'><item nick='Ann' role='none'/></query>",
    ] {
        for to in ["", "/Ann"] {
            table.stanza(&format!("<iq from='{BOB}' to='{ROOM}{to}' id='d' {payload}</iq>"));
            let is_self_ping = payload.contains("ping") && to == "/Ann";
            // XEP-0410 §3.2: "not found" would say that he is in there under another nickname.
            let told = if is_self_ping { "not-acceptable" } else { "item-not-found" };
            table.told(BOB, &[&format!("iq: error cancel {told}")]);
        }
    }
    table.join(ALICE, "Ann");
    table.told(ALICE, &["Ann owner/moderator alice@example.com/phone 110", ": subject []"]);
    table.silence();
}

/// Case 15.
#[test]
fn the_error_says_that_it_is_about_a_join_and_who_refused() {
    let mut table = Table::new();
    table.join(BOB, "Ann");
    table.harness.take_to(BOB)[0].expect(&format!(
        "<presence from='{ROOM}/Ann' to='{BOB}' id='join' type='error'>
           <x xmlns='http://jabber.org/protocol/muc'/>
           <error type='cancel' by='{ROOM}'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><etc/></error>
         </presence>"
    ));
}

/// Case 13, §7.2.9.
#[test]
fn admins_enter_a_full_room_up_to_a_headroom_and_sessions_do_not_count() {
    let mut table = Table::with(serde_json::json!({
        "max_users_headroom": 1, "joins_per_second": 0,
    }));
    table.open();
    table.submit(&[("muc#roomconfig_maxusers", &["2"])]);
    table.join(BOB, "Bob");
    for jid in ["carol@example.net", "dave@example.net"] {
        table.admin(ALICE, &format!("<item jid='{jid}' affiliation='admin'/>"));
    }
    table.quiet();
    table.join("eve@example.net/x", "Eve");
    table.told("eve@example.net/x", &["presence: error wait service-unavailable"]);
    table.join(BOB2, "Bob");
    assert_eq!(table.harness.take_to(BOB2).len(), 3);
    table.join(CAROL, "Carol");
    assert_eq!(table.harness.take_to(CAROL).len(), 4);
    table.join(DAVE, "Dave");
    table.told(DAVE, &["presence: error wait service-unavailable"]);
}

/// Case 16, §9.1.
#[test]
fn a_banned_domain_is_out_at_once_and_may_return() {
    let mut table = Table::three();
    table.admin(ALICE, "<item jid='example.net' affiliation='outcast'/>");
    table.told(CAROL, &["-Carol outcast/none carol@example.net/cell by Ann 110 301"]);
    table.told(ALICE, &["result a", "-Carol outcast/none carol@example.net/cell by Ann 301"]);
    table.told(BOB, &["-Carol outcast/none by Ann 301"]);
    table.join(DAVE, "Dave");
    table.told(DAVE, &["presence: error auth forbidden"]);
    table.admin(ALICE, "<item jid='example.net' affiliation='none'/>");
    table.quiet();
    table.join(DAVE, "Dave");
    assert_eq!(table.harness.take_to(DAVE).len(), 4);
}

/// Case 36, §10.1.1.
#[test]
fn who_may_not_create_rooms_is_told_not_allowed() {
    let mut table = Table::empty();
    table.join(CAROL, "Carol");
    table.told(CAROL, &["presence: error cancel not-allowed"]);
    let mut table = Table::with(serde_json::json!({ "create": "admins" }));
    table.join(ALICE, "Ann");
    table.told(ALICE, &["presence: error cancel not-allowed"]);
    table.join("admin@example.com/x", "Root");
    assert_eq!(table.harness.take().len(), 2);
}

#[test]
fn a_person_has_so_many_rooms_and_no_more_until_one_is_gone() {
    let mut table = Table::with(serde_json::json!({ "rooms_per_creator": 2 }));
    let x = "<x xmlns='http://jabber.org/protocol/muc'/>";
    for name in ["a", "b"] {
        table.stanza(&format!(
            "<presence from='{ALICE}' to='{name}@rooms.example.com/Ann'>{x}</presence>"
        ));
    }
    table.quiet();
    table.join(ALICE, "Ann");
    table.told(ALICE, &["presence: error cancel not-allowed"]);
    table.stanza(&format!(
        "<presence from='{ALICE}' to='a@rooms.example.com/Ann' type='unavailable'/>"
    ));
    table.quiet();
    table.join(ALICE, "Ann");
    assert_eq!(table.harness.take().len(), 2);
}

/// Case 35.
#[test]
fn of_two_who_create_the_same_room_one_owns_it() {
    let mut table = Table::empty();
    let x = "<x xmlns='http://jabber.org/protocol/muc'/>";
    table.harness.stanzas(&[
        &format!("<presence from='{ALICE}' to='{ROOM}/Ann'>{x}</presence>"),
        &format!("<presence from='{BOB}' to='{ROOM}/Bob'>{x}</presence>"),
    ]);
    table.told(BOB, &["presence: error cancel item-not-found"]);
    table.told(ALICE, &["Ann owner/moderator alice@example.com/phone 110 201", ": subject []"]);
}

/// Case 22, §7.2.8.
#[test]
fn a_nickname_that_another_has_or_reserved_is_refused() {
    let mut table = Table::three();
    table.join(DAVE, "BOB");
    table.told(DAVE, &["presence: error cancel conflict"]);
    table.admin(ALICE, "<item jid='eve@example.com' affiliation='member' nick='Evi'/>");
    table.quiet();
    table.join(DAVE, "Evi");
    table.told(DAVE, &["presence: error cancel conflict"]);
    table.presence(BOB, "evi", "");
    table.told(BOB, &["presence: error cancel conflict"]);
    table.silence();
    table.join("eve@example.com/x", "Evi");
    assert_eq!(table.harness.take_to("eve@example.com/x").len(), 5);
}
