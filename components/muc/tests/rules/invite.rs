//! §7.8.2: invitations through the room, and declines.

use crate::table::*;

fn through(table: &mut Table, from: &str, content: &str) {
    table.stanza(&format!(
        "<message from='{from}' to='{ROOM}' id='i'><x xmlns='http://jabber.org/protocol/muc#user'>{content}</x></message>"
    ));
}

const INVITE: &str = "<invite to='dave@example.net'><reason>tea?</reason></invite>";

#[test]
fn an_invitation_comes_from_the_room_and_names_the_occupant() {
    let mut table = Table::three();
    table.submit(&[
        ("muc#roomconfig_passwordprotectedroom", &["1"]),
        ("muc#roomconfig_roomsecret", &["sesame"]),
    ]);
    table.quiet();
    through(
        &mut table,
        BOB,
        "<invite to='dave@example.net'><reason>tea?</reason><continue thread='t'/></invite>",
    );
    table.harness.take_to("dave@example.net")[0].expect(&format!(
        "<message from='{ROOM}' to='dave@example.net' id='i'>
           <x xmlns='http://jabber.org/protocol/muc#user'>
             <invite from='{ROOM}/Bob'><reason>tea?</reason><continue thread='t'/></invite>
             <password>sesame</password></x></message>"
    ));
    table.silence();
    // The invitee may say no, once; nobody else may say anything.
    let decline = format!("<decline to='{ROOM}/Bob'><reason>no tea</reason></decline>");
    through(&mut table, "eve@example.com/x", &decline);
    table.silence();
    through(&mut table, DAVE, &decline);
    table.harness.take_to(BOB)[0].expect(&format!(
        "<message from='{ROOM}' to='{BOB}' id='i'><x xmlns='http://jabber.org/protocol/muc#user'>
           <decline from='dave@example.net'><reason>no tea</reason></decline></x></message>"
    ));
    through(&mut table, DAVE, &decline);
    table.silence();
}

#[test]
fn who_may_not_invite_is_told() {
    let mut table = Table::three();
    through(&mut table, DAVE, INVITE);
    table.told(DAVE, &["message: error modify not-acceptable"]);
    table.submit(&[("muc#roomconfig_allowinvites", &["0"])]);
    table.quiet();
    through(&mut table, BOB, INVITE);
    table.told(BOB, &["message: error auth forbidden"]);
    table.silence();
    through(&mut table, ALICE, INVITE);
    assert_eq!(table.harness.take_to("dave@example.net").len(), 1);
    table.admin(ALICE, "<item jid='eve@example.com' affiliation='outcast'/>");
    table.quiet();
    for (to, told) in [
        ("eve@example.com", "message: error cancel not-allowed"),
        ("", "message: error modify jid-malformed"),
        ("@@", "message: error modify jid-malformed"),
        ("cakes@rooms.example.com", "message: error cancel item-not-found"),
    ] {
        // One that cannot be is none at all.
        through(&mut table, ALICE, &format!("{INVITE}<invite to='{to}'/>"));
        table.told(ALICE, &[told]);
        table.silence();
    }
    through(&mut table, ALICE, "<invite to='x@example.com'/>".repeat(17).as_str());
    table.told(ALICE, &["message: error modify not-acceptable"]);
}

/// §7.8.2, §9.5.
#[test]
fn in_a_room_for_members_an_invitation_of_an_admin_makes_a_member() {
    let mut table = Table::three();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='member'/>");
    table.submit(&[("muc#roomconfig_membersonly", &["1"])]);
    table.quiet();
    through(&mut table, BOB, INVITE);
    table.told(BOB, &["message: error auth forbidden"]);
    table.join(DAVE, "Dave");
    table.told(DAVE, &["presence: error auth registration-required"]);
    through(&mut table, ALICE, INVITE);
    table.quiet();
    table.join(DAVE, "Dave");
    table.told(BOB, &["Dave member/participant"]);
}

/// §7.8.2: they count as messages.
#[test]
fn invitations_have_the_rate_of_messages() {
    let mut table = Table::with(serde_json::json!({}));
    table.open();
    for _ in 0..20 {
        through(&mut table, ALICE, INVITE);
    }
    assert_eq!(table.harness.take_to("dave@example.net").len(), 20);
    through(&mut table, ALICE, INVITE);
    table.told(ALICE, &["message: error wait policy-violation"]);
}

/// Example 58: the inviter may be named by his own address, with or without his resource.
#[test]
fn a_decline_may_name_the_inviter_by_his_own_address() {
    let mut table = Table::three();
    for to in ["bob@example.com", BOB] {
        through(&mut table, BOB, INVITE);
        table.quiet();
        through(&mut table, DAVE, &format!("<decline to='{to}'/>"));
        table.harness.take_to(BOB)[0].expect(&format!(
            "<message from='{ROOM}' to='{BOB}' id='i'>
               <x xmlns='http://jabber.org/protocol/muc#user'>
                 <decline from='dave@example.net'/></x></message>"
        ));
        table.silence();
    }
    // Another session than the one that was named has not invited; nor has somebody outside.
    for to in ["bob@example.com/elsewhere", "eve@example.com"] {
        through(&mut table, BOB, INVITE);
        table.quiet();
        through(&mut table, DAVE, &format!("<decline to='{to}'/>"));
        table.silence();
    }
}

/// Whoever invites somebody who does not exist is told so.
#[test]
fn an_invitation_that_comes_back_is_told_to_the_inviter() {
    let bounce = format!(
        "<message type='error' from='dave@example.net' to='{ROOM}' id='i'><error type='cancel'>
           <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    );
    let mut table = Table::three();
    table.stanza(&bounce);
    table.silence();
    through(&mut table, BOB, INVITE);
    table.quiet();
    table.stanza(&bounce);
    table.harness.take_to(BOB)[0].expect(&format!(
        "<message type='error' from='{ROOM}' to='{BOB}' id='i'>
           <error type='cancel' by='dave@example.net'>
             <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    ));
    table.silence();
    table.stanza(&bounce);
    table.silence();
}
