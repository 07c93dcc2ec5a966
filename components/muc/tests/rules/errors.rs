//! §11.1, §18.1.2: errors that come back.

use crate::table::*;

fn error(kind: &str, from: &str, to: &str, condition: &str) -> String {
    format!(
        "<{kind} from='{from}' to='{to}' type='error' id='e'><error type='cancel'>
           <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></{kind}>"
    )
}

/// Case 61.
#[test]
fn a_delivery_error_removes_the_session_with_333_and_never_307() {
    for condition in [
        "gone",
        "item-not-found",
        "recipient-unavailable",
        "redirect",
        "remote-server-not-found",
        "remote-server-timeout",
        "service-unavailable",
    ] {
        for kind in ["message", "presence"] {
            let mut table = Table::three();
            table.stanza(&error(kind, BOB, ROOM, condition));
            table.told(BOB, &["-Bob none/none bob@example.com/desk 110 333"]);
            table.told(CAROL, &["-Bob none/none 333"]);
            table.told(ALICE, &["-Bob none/none bob@example.com/desk 333"]);
            table.silence();
        }
    }
}

/// §18.1.2: "in relation to a stanza it has previously sent". The sweep's pings are in `restart`.
#[test]
fn an_error_of_a_request_that_was_never_made_removes_nobody() {
    let mut table = Table::three();
    table.stanza(&error("iq", BOB, ROOM, "item-not-found"));
    table.silence();
}

/// Case 61.
#[test]
fn other_errors_remove_nobody() {
    for condition in ["forbidden", "not-acceptable", "policy-violation", "feature-not-implemented"]
    {
        for kind in ["message", "presence", "iq"] {
            let mut table = Table::three();
            table.stanza(&error(kind, BOB, ROOM, condition));
            table.stanza(&error(kind, BOB, &format!("{ROOM}/Bob"), condition));
            table.quiet();
            table.say(CAROL, "all there?");
            table.told(BOB, &["Carol: all there?"]);
        }
    }
}

/// Case 63.
#[test]
fn an_error_concerns_nobody_but_its_sender() {
    let mut table = Table::three();
    for to in
        [ROOM, "tea@rooms.example.com/Bob", "tea@rooms.example.com/Nobody", "no@rooms.example.com"]
    {
        for kind in ["message", "presence", "iq"] {
            table.stanza(&error(kind, DAVE, to, "item-not-found"));
        }
    }
    table.silence();
}

#[test]
fn an_error_from_a_bare_address_removes_all_of_its_sessions() {
    let mut table = Table::three();
    table.join(BOB2, "Bob");
    table.quiet();
    table.stanza(&error("presence", "bob@example.com", ROOM, "remote-server-not-found"));
    table.told(CAROL, &["-Bob none/none 333"]);
}

#[test]
fn a_temporary_room_goes_with_its_last_ghost() {
    let mut table = Table::new();
    table.stanza(&error("message", ALICE, ROOM, "item-not-found"));
    table.quiet();
    table.join(BOB, "Bob");
    table.told(BOB, &["Bob owner/moderator bob@example.com/desk 110 201", ": subject []"]);
}

/// Design §2: short of space nothing new is taken, and leaving goes on.
#[test]
fn short_of_space_a_room_takes_nothing_new_and_lets_everybody_go() {
    use annex_service::input::Input;
    let mut table = Table::three();
    table.harness.input(Input::SpaceLow(true));
    let refused = "error cancel internal-server-error";
    table.say(BOB, "x");
    table.told(BOB, &[&format!("message: {refused}")]);
    table.join(DAVE, "Dave");
    table.told(DAVE, &[&format!("presence: {refused}")]);
    table.presence(BOB, "Rob", "");
    table.told(BOB, &[&format!("presence: {refused}")]);
    table.admin(ALICE, "<item nick='Bob' role='none'/>");
    table.told(ALICE, &[&format!("iq: {refused}")]);
    table.whisper(BOB, "Carol", "<body>x</body>");
    table.told(CAROL, &["Bob chat: x"]);
    table.silence();
    table.say(BOB, "x");
    table.stanza(&error("message", CAROL, ROOM, "item-not-found"));
    table.leave(BOB, "Bob");
    table.told(
        ALICE,
        &["-Carol none/none carol@example.net/cell 333", "-Bob none/none bob@example.com/desk"],
    );
    table.quiet();
    table.harness.input(Input::SpaceLow(false));
    table.join(DAVE, "Dave");
    assert_eq!(table.harness.take_to(DAVE).len(), 3);
}
