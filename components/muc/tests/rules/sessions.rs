//! §7.2.8: several sessions of one person.

use crate::table::*;

/// Alice's room with Bob in it twice, under one nickname, and Carol.
fn two_bobs() -> Table {
    let mut table = Table::three();
    table.join(BOB2, "Bob");
    table.quiet();
    table
}

/// Case 17.
#[test]
fn a_second_session_is_no_second_occupant() {
    let mut table = Table::three();
    table.join(BOB2, "Bob");
    table.told(
        BOB2,
        &[
            "Ann owner/moderator",
            "Carol none/participant",
            "Bob none/participant bob@example.com/desk none/participant bob@example.com/tablet 110",
            ": subject []",
        ],
    );
    // Who sees no addresses sees no difference.
    table.told(CAROL, &[]);
    table.told(
        ALICE,
        &["Bob none/participant bob@example.com/desk none/participant bob@example.com/tablet"],
    );
    table.quiet();
    table.say(CAROL, "hello");
    table.told(BOB, &["Carol: hello"]);
    table.told(BOB2, &["Carol: hello"]);
    table.quiet();
    table.whisper(CAROL, "Bob", "<body>psst</body>");
    table.told(BOB, &["Carol chat: psst"]);
    table.told(BOB2, &["Carol chat: psst"]);
    table.say(BOB2, "both of me");
    table.told(CAROL, &["Bob: both of me"]);
}

/// Case 18.
#[test]
fn an_occupant_stays_until_its_last_session_leaves() {
    let mut table = two_bobs();
    table.leave(BOB, "Bob");
    table.told(BOB, &["-Bob none/none bob@example.com/desk 110"]);
    table.told(CAROL, &[]);
    table.told(ALICE, &["Bob none/participant bob@example.com/tablet"]);
    table.quiet();
    table.leave(BOB2, "Bob");
    table.told(BOB2, &["-Bob none/none bob@example.com/tablet 110"]);
    table.told(CAROL, &["-Bob none/none"]);
    table.told(ALICE, &["-Bob none/none bob@example.com/tablet"]);
    table.silence();
}

/// Case 19.
#[test]
fn one_session_that_takes_another_nickname_leaves_the_other_behind() {
    let mut table = two_bobs();
    table.presence(BOB, "Rob", "");
    table.told(
        BOB,
        &[
            "-Bob none/participant bob@example.com/desk →Rob 110 303",
            "Bob none/participant",
            "Rob none/participant bob@example.com/desk 110",
        ],
    );
    table.told(CAROL, &["Rob none/participant"]);
    table.told(BOB2, &["Bob none/participant bob@example.com/tablet 110", "Rob none/participant"]);
    table.told(
        ALICE,
        &[
            "Bob none/participant bob@example.com/tablet",
            "Rob none/participant bob@example.com/desk",
        ],
    );
    table.silence();
    // And back again: the nickname of the one becomes that of both.
    table.presence(BOB, "Bob", "");
    table.told(CAROL, &["-Rob none/none"]);
    table.told(
        BOB,
        &[
            "-Rob none/participant bob@example.com/desk →Bob 110 303",
            "Bob none/participant bob@example.com/desk none/participant bob@example.com/tablet 110",
        ],
    );
}

/// §7.6: who stays behind shows something else then, and is told of once.
#[test]
fn the_nickname_left_behind_is_shown_once_to_who_left_it() {
    let mut table = two_bobs();
    table.submit(&[("muc#roomconfig_whois", &["anyone"])]);
    table.quiet();
    table.presence(BOB, "Rob", "");
    table.told(
        BOB,
        &[
            "-Bob none/participant bob@example.com/desk →Rob 110 303",
            "Bob none/participant bob@example.com/tablet",
            "Rob none/participant bob@example.com/desk 110",
        ],
    );
}

/// Case 20.
#[test]
fn a_ban_removes_every_occupant_of_a_person_once() {
    let mut table = Table::three();
    table.join(BOB2, "Rob");
    table.quiet();
    table.admin(
        ALICE,
        "<item jid='bob@example.com' affiliation='outcast'><reason>noise</reason></item>",
    );
    table.told(BOB, &["-Bob outcast/none bob@example.com/desk by Ann because noise 110 301"]);
    table.told(BOB2, &["-Rob outcast/none bob@example.com/tablet by Ann because noise 110 301"]);
    table.told(
        CAROL,
        &[
            "-Bob outcast/none by Ann because noise 301",
            "-Rob outcast/none by Ann because noise 301",
        ],
    );
}

/// Case 21.
#[test]
fn the_most_available_session_is_shown() {
    let mut table = two_bobs();
    table.presence(BOB2, "Bob", "<show>away</show>");
    table.told(CAROL, &[]);
    table.told(
        BOB2,
        &["Bob none/participant bob@example.com/desk none/participant bob@example.com/tablet 110"],
    );
    table.quiet();
    table.leave(BOB, "Bob");
    table.told(CAROL, &["Bob (away) none/participant"]);
    table.told(BOB2, &["Bob (away) none/participant bob@example.com/tablet 110"]);
}

/// Case 62.
#[test]
fn an_error_removes_the_session_that_it_came_from() {
    let mut table = two_bobs();
    table.stanza(&format!(
        "<message from='{BOB}' to='{ROOM}/Carol' type='error' id='m'><error type='cancel'>
           <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    ));
    table.told(BOB, &["-Bob none/none bob@example.com/desk 110 333"]);
    table.told(CAROL, &[]);
    table.quiet();
    table.say(CAROL, "still there?");
    table.told(BOB2, &["Carol: still there?"]);
    table.told(BOB, &[]);
}

/// Case 23.
#[test]
fn any_session_of_an_occupant_may_ping_itself() {
    let mut table = two_bobs();
    for (who, nick, answer) in [
        (BOB, "Bob", "result s"),
        (BOB2, "Bob", "result s"),
        (BOB, "Carol", "iq: error cancel service-unavailable"),
        (BOB, "Nobody", "iq: error cancel item-not-found"),
        (DAVE, "Bob", "iq: error cancel not-acceptable"),
    ] {
        table.stanza(&format!(
            "<iq from='{who}' to='{ROOM}/{nick}' id='s' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"
        ));
        table.told(who, &[answer]);
    }
    // §3.2: of all errors, `item-not-found` tells a client that it still is in the room.
    table.stanza(&format!(
        "<iq from='{BOB}' to='gone@rooms.example.com/Bob' id='s' type='get'><ping xmlns='urn:xmpp:ping'/></iq>"
    ));
    table.harness.take_to(BOB)[0].expect(&format!(
        "<iq from='gone@rooms.example.com/Bob' to='{BOB}' id='s' type='error'>
           <error type='cancel' by='gone@rooms.example.com'>
             <not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/><etc/></error></iq>"
    ));
}

/// §7.2.9: the limit counts occupants, and sessions that part become two of them.
#[test]
fn a_session_that_takes_another_nickname_needs_room_for_one_more() {
    let mut table = two_bobs();
    table.submit(&[("muc#roomconfig_maxusers", &["3"])]);
    table.quiet();
    table.presence(BOB2, "Rob", "");
    table.told(BOB2, &["presence: error wait service-unavailable"]);
    table.silence();
    table.leave(CAROL, "Carol");
    table.quiet();
    table.presence(BOB2, "Rob", "");
    table.told(
        ALICE,
        &[
            "Bob none/participant bob@example.com/desk",
            "Rob none/participant bob@example.com/tablet",
        ],
    );
    table.quiet();
    // One who goes over altogether takes no more room than before.
    table.presence(BOB2, "Robert", "");
    table.told(
        BOB2,
        &[
            "-Rob none/participant bob@example.com/tablet →Robert 110 303",
            "Robert none/participant bob@example.com/tablet 110",
        ],
    );
}

#[test]
fn a_session_that_takes_another_nickname_has_said_what_it_said() {
    let mut table = Table::with(serde_json::json!({ "message_burst": 3 }));
    table.open();
    table.join(BOB, "Bob");
    table.join(BOB2, "Bob");
    for _ in 0..3 {
        table.say(BOB2, "x");
    }
    table.quiet();
    table.presence(BOB2, "Rob", "");
    table.quiet();
    table.say(BOB2, "x");
    table.told(BOB2, &["message: error wait policy-violation"]);
}

#[test]
fn one_person_has_so_many_sessions_and_no_more() {
    let mut table = Table::new();
    for number in 0..33 {
        table.join(&format!("bob@example.com/{number}"), "Bob");
    }
    table.told("bob@example.com/32", &["presence: error wait policy-violation"]);
}
