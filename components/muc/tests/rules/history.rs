//! §7.2.13, §7.2.14: messages of the past.

use crate::table::*;

fn ten() -> Table {
    let mut table = Table::new();
    for number in 0..10 {
        table.say(ALICE, &format!("number {number}"));
        table.harness.advance(std::time::Duration::from_secs(60));
    }
    table.quiet();
    table
}

fn asked(table: &mut Table, history: &str) -> Vec<String> {
    table.join_with(BOB, "Bob", history);
    let told = table.harness.take_to(BOB);
    table.leave(BOB, "Bob");
    table.quiet();
    let bodies = told.iter().map(brief).filter_map(|line| {
        Some(line.strip_prefix("Ann: number ")?.strip_suffix(" (delayed)")?.to_owned())
    });
    bodies.collect()
}

/// Case 24–26.
#[test]
fn the_newest_contiguous_run_that_meets_every_limit_is_sent() {
    let mut table = ten();
    let all: Vec<String> = (0..10).map(|number| number.to_string()).collect();
    let one = table.harness.store().table(annex_muc::keys::MESSAGES).len();
    assert_eq!(one, 10);
    for (history, expected) in [
        ("", &all[..]),
        ("<history/>", &all[..]),
        ("<history maxstanzas='0'/>", &[]),
        ("<history maxchars='0'/>", &[]),
        ("<history maxstanzas='3'/>", &all[7..]),
        ("<history seconds='150'/>", &all[8..]),
        ("<history since='2026-01-02T03:08:05Z'/>", &all[4..]),
        ("<history since='2026-01-02T04:08:04.5+01:00'/>", &all[4..]),
        ("<history since='2036-01-01T00:00:00Z'/>", &[]),
        ("<history since='yesterday'/>", &all[..]),
        ("<history since='2036-01-02T03:08:05+14:01'/>", &all[..]),
        ("<history since='2036-01-02T03:08:05-01:60'/>", &all[..]),
        ("<history maxstanzas='5' seconds='150' since='2026-01-02T03:08:05Z'/>", &all[8..]),
        ("<history maxchars='10'/>", &[]),
        ("<history maxchars='100000'/>", &all[..]),
        ("<history maxstanzas='-1' seconds='99999999999999999999'/>", &all[..]),
    ] {
        assert_eq!(asked(&mut table, history), expected, "{history}");
    }
}

/// §7.9, §7.2.13: what an owner brings along has its own time, and in the history that of the room
/// before it.
#[test]
fn the_stamp_of_the_room_comes_before_the_senders_own() {
    let mut table = Table::new();
    let own = format!(
        "<delay xmlns='urn:xmpp:delay' from='{ALICE}' stamp='2004-09-29T01:54:37Z'/>
         <body>Thrice the brinded cat hath mew'd.</body>"
    );
    table.message(ALICE, &own);
    table.harness.take_to(ALICE)[0].expect(&format!(
        "<message from='{ROOM}/Ann' to='{ALICE}' type='groupchat' id='m'>{own}
           <occupant-id xmlns='urn:xmpp:occupant-id:0' id='*'/>
           <stanza-id xmlns='urn:xmpp:sid:0' by='{ROOM}' id='*'/>
         </message>"
    ));
    table.join(BOB, "Bob");
    let told = table.harness.take_to(BOB);
    let past = told[2].element();
    let stamps: Vec<_> = past.children().filter(|child| child.name() == "delay").collect();
    let stamps = stamps.iter().map(|delay| delay.attr("from")).collect::<Vec<_>>();
    assert_eq!(stamps, [Some(ROOM), Some(ALICE)]);
}

/// Case 25.
#[test]
fn a_message_that_does_not_fit_ends_the_run() {
    let mut table = Table::new();
    table.say(ALICE, "number 0");
    table.say(ALICE, &"long ".repeat(1000));
    table.say(ALICE, "number 2");
    table.quiet();
    assert_eq!(asked(&mut table, "<history maxchars='2000'/>"), ["2"]);
}

/// §7.2.14: characters, of stanzas as they are sent.
#[test]
fn as_many_characters_as_asked_for_are_just_enough() {
    let mut table = Table::new();
    table.say(ALICE, "é🦀");
    table.quiet();
    table.join(BOB, "Bob");
    let sent = table.harness.take_to(BOB);
    let chars = sent[2].xml.chars().count();
    assert!(sent[2].xml.contains("é🦀") && chars < sent[2].xml.len());
    for (most, told) in [(chars, 4), (chars - 1, 3)] {
        table.join_with(BOB, "Bob", &format!("<history maxchars='{most}'/>"));
        assert_eq!(table.harness.take_to(BOB).len(), told, "{most}");
    }
}

#[test]
fn who_does_not_ask_gets_twenty_and_nobody_more_than_a_hundred() {
    let mut table = Table::new();
    for number in 0..150 {
        table.say(ALICE, &format!("number {number}"));
    }
    table.quiet();
    assert_eq!(asked(&mut table, "").len(), 20);
    let hundred = asked(&mut table, "<history maxstanzas='1000'/>");
    assert_eq!((hundred.len(), hundred[0].as_str()), (100, "50"));
    assert_eq!(table.harness.store().table(annex_muc::keys::MESSAGES).len(), 100);
}

#[test]
fn changes_of_the_subject_leave_the_history_as_it_is() {
    let mut table = Table::new();
    table.submit(&[("muc#maxhistoryfetch", &["5"])]);
    for number in 0..7 {
        table.say(ALICE, &format!("number {number}"));
        for _ in 0..20 {
            table.message(ALICE, "<subject>Cakes</subject>");
        }
    }
    table.quiet();
    assert_eq!(asked(&mut table, ""), ["2", "3", "4", "5", "6"]);
    assert_eq!(asked(&mut table, "<history maxstanzas='2'/>"), ["5", "6"]);
    assert_eq!(table.harness.store().table(annex_muc::keys::MESSAGES).len(), 5);
}

/// Case 32, XEP-0334.
#[test]
fn hints_decide_what_is_kept() {
    let mut table = Table::new();
    let hint = |name: &str| format!("<{name} xmlns='urn:xmpp:hints'/>");
    table.message(ALICE, &format!("<body>number 0</body>{}", hint("no-store")));
    table.message(ALICE, &format!("<body>number 1</body>{}", hint("no-permanent-store")));
    table.message(ALICE, "<active xmlns='http://jabber.org/protocol/chatstates'/>");
    table.message(ALICE, "<body>number 2</body>");
    table.message(
        ALICE,
        &format!("<reactions xmlns='urn:xmpp:reactions:0' id='x'/>{}", hint("store")),
    );
    table.whisper(ALICE, "Ann", "<body>number 3</body>");
    table.quiet();
    assert_eq!(table.harness.store().table(annex_muc::keys::MESSAGES).len(), 2);
    assert_eq!(asked(&mut table, ""), ["2"]);
}

/// Case 27.
#[test]
fn the_history_is_the_same_after_a_crash() {
    let mut table = ten();
    let before = {
        table.join(BOB, "Bob");
        table.harness.take_to(BOB)
    };
    table.leave(BOB, "Bob");
    table.harness.crash(annex_testkit::Crash::AfterCommit);
    table.quiet();
    table.join(BOB, "Bob");
    let after = table.harness.take_to(BOB);
    assert_eq!(before, after);
    assert!(before.iter().filter(|sent| sent.xml.contains("stanza-id")).count() == 10);
}

/// Case 43.
#[test]
fn a_room_of_the_same_name_has_nothing_of_the_one_before() {
    let mut table = ten();
    table.admin(ALICE, "<item jid='bob@example.com' affiliation='owner'/>");
    table.leave(ALICE, "Ann");
    table.quiet();
    table.join(BOB, "Bob");
    table.submit_as(BOB, &[]);
    table.quiet();
    table.join(ALICE, "Ann");
    table.told(
        ALICE,
        &[
            "Bob owner/moderator",
            "Ann none/participant alice@example.com/phone 110",
            ": subject []",
        ],
    );
    for kind in [annex_muc::keys::MESSAGES, annex_muc::keys::ROOMS, annex_muc::keys::OCCUPANTS] {
        let rooms: std::collections::BTreeSet<_> =
            table.harness.store().table(kind).iter().map(|row| row.key[..8].to_vec()).collect();
        assert!(rooms.len() <= 1, "what belonged to the old room is gone");
    }
}

/// Design §2: a turn reads so much and no more, also for one who enters or speaks.
#[test]
fn a_long_history_is_neither_read_nor_sent_at_once() {
    let mut table = Table::new();
    for number in 0..10 {
        table.say(ALICE, &format!("{number}{}", "x".repeat(60_000)));
    }
    table.quiet();
    table.join(BOB, "Bob");
    let told = table.harness.take_to(BOB);
    let told: Vec<_> = told.iter().map(brief).filter(|line| line.contains("xxx")).collect();
    let first: Vec<_> = told.iter().map(|line| &line[..6]).collect();
    assert_eq!(first, ["Ann: 6", "Ann: 7", "Ann: 8", "Ann: 9"]);

    // After a restart what is kept is read bit by bit, and goes back to what it may be.
    table.submit(&[("muc#maxhistoryfetch", &["3"])]);
    table.harness.restart();
    let kept = |table: &Table| table.harness.store().table(annex_muc::keys::MESSAGES).len();
    for number in 0..6 {
        assert!(kept(&table) <= 10 + number);
        table.say(ALICE, "more");
    }
    assert_eq!(kept(&table), 3);
}
