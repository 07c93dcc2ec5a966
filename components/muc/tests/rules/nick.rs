//! §7.6: changing one's nickname.

use crate::table::*;

#[test]
fn a_new_nickname_is_told_as_leaving_with_303_and_coming() {
    let mut table = Table::three();
    table.presence(BOB, "Rob", "<show>away</show>");
    table.told(
        BOB,
        &[
            "-Bob none/participant bob@example.com/desk →Rob 110 303",
            "Rob (away) none/participant bob@example.com/desk 110",
        ],
    );
    table.told(CAROL, &["-Bob none/participant →Rob 303", "Rob (away) none/participant"]);
    table.told(
        ALICE,
        &[
            "-Bob none/participant bob@example.com/desk →Rob 303",
            "Rob (away) none/participant bob@example.com/desk",
        ],
    );
    table.silence();
    table.say(BOB, "it's me");
    table.told(CAROL, &["Rob: it's me"]);
    // The old one is free.
    table.join(DAVE, "Bob");
    assert_eq!(table.harness.take_to(DAVE).len(), 6);
}

#[test]
fn only_the_case_of_ones_own_nickname_may_change_too() {
    let mut table = Table::three();
    table.presence(BOB, "BOB", "");
    table.told(CAROL, &["-Bob none/participant →BOB 303", "BOB none/participant"]);
}

#[test]
fn a_nickname_in_use_is_a_conflict_and_nothing_changes() {
    let mut table = Table::three();
    table.presence(BOB, "carol", "");
    table.told(BOB, &["presence: error cancel conflict"]);
    table.silence();
    table.presence(BOB, "x\u{200b}", "");
    table.told(BOB, &["presence: error modify jid-malformed"]);
    table.say(BOB, "still Bob");
    table.told(CAROL, &["Bob: still Bob"]);
}

#[test]
fn a_join_under_another_nickname_of_one_who_is_in_the_room_is_both() {
    let mut table = Table::three();
    table.join(BOB, "Rob");
    table.told(CAROL, &["-Bob none/participant →Rob 303", "Rob none/participant"]);
    table.told(
        BOB,
        &[
            "-Bob none/participant bob@example.com/desk →Rob 110 303",
            "Rob none/participant bob@example.com/desk 110",
            "Ann owner/moderator",
            "Carol none/participant",
            "Rob none/participant bob@example.com/desk 110",
            ": subject []",
        ],
    );
}

/// Design §9: one a second, as of all presence, after a few at once.
#[test]
fn nicknames_that_change_too_fast_are_refused_with_wait() {
    let mut table = Table::with(serde_json::json!({}));
    table.open();
    table.join(BOB, "Bob");
    table.quiet();
    for number in 0..10 {
        table.presence(BOB, "Ann", "");
        table.told(BOB, &["presence: error cancel conflict"]);
        table.presence(BOB, &format!("Bob{number}"), "");
        assert_eq!(table.harness.take_to(BOB).len(), 2);
    }
    table.quiet();
    table.presence(BOB, "Bert", "");
    table.told(BOB, &["presence: error wait policy-violation"]);
    table.silence();
    table.harness.advance(std::time::Duration::from_secs(1));
    table.quiet();
    table.presence(BOB, "Bert", "");
    assert_eq!(table.harness.take_to(ALICE).len(), 2);
}
