//! Restarts, crashes between a commit and its output, broken streams, and the sweep.

use std::{collections::BTreeMap, time::Duration};

use annex_muc::keys::Note;
use annex_testkit::Crash;

use crate::table::*;

fn told_all(table: &mut Table) -> Vec<String> {
    let told = table.harness.take();
    let lines = told.iter().map(|sent| format!("{} ← {}", sent.to, brief(sent)));
    lines.filter(|line| !line.ends_with("ping?")).collect()
}

/// Case 66.
#[test]
fn occupants_stay_through_a_restart_and_nobody_notices() {
    for crash in [false, true] {
        let mut table = Table::three();
        table.join(BOB2, "Bob");
        table.admin(ALICE, "<item nick='Carol' role='visitor'/>");
        table.quiet();
        let before = table.harness.machine().component().image();
        match crash {
            true => table.harness.crash(Crash::AfterCommit),
            false => table.harness.restart(),
        }
        assert!(told_all(&mut table).is_empty());
        assert_eq!(table.harness.machine().component().image(), before);
        table.say(BOB2, "as before");
        table.told(BOB, &["Bob: as before"]);
        table.say(CAROL, "x");
        let told: Vec<_> = table.harness.take_to(CAROL).iter().map(brief).collect();
        assert_eq!(told, ["Bob: as before", "message: error auth forbidden"]);
    }
}

/// Case 21: what viewers know is known after a restart too.
#[test]
fn another_session_after_a_restart_is_shown_as_before_it() {
    for restart in [false, true] {
        let mut table = Table::new();
        table.join(BOB, "Bob");
        table.presence(BOB, "Bob", "<show>away</show>");
        table.join(CAROL, "Carol");
        if restart {
            table.harness.restart();
        }
        table.quiet();
        table.join(BOB2, "Bob");
        table.told(CAROL, &["Bob none/participant"]);
        table.quiet();
        table.presence(BOB, "Bert", "<show>dnd</show>");
        table.quiet();
        if restart {
            table.harness.restart();
        }
        table.quiet();
        table.presence(BOB2, "Bert", "<priority>5</priority>");
        table.told(CAROL, &["-Bob none/none", "Bert none/participant"]);
    }
}

/// Design §2: who is in a room is in memory from the start on, and a stranger brings nothing in.
#[test]
fn what_has_occupants_is_read_at_start_and_what_a_stranger_touches_is_forgotten() {
    let mut table = Table::three();
    table.harness.disconnect();
    let before = table.harness.machine().component().image();
    table.harness.restart();
    assert_eq!(table.harness.machine().component().image(), before);

    let mut table = Table::new();
    table.submit(&[("muc#roomconfig_persistentroom", &["1"])]);
    table.admin(ALICE, "<item jid='dave@example.net' affiliation='outcast'/>");
    table.leave(ALICE, "Ann");
    table.quiet();
    let minutes = |table: &mut Table| table.harness.advance(Duration::from_secs(200));
    let rooms = |table: &Table| table.harness.machine().component().image().len();
    minutes(&mut table);
    table.stanza(&format!("<presence from='{DAVE}' to='{ROOM}' type='error'/>"));
    table.stanza(&format!(
        "<message from='{DAVE}' to='{ROOM}/Ann' type='error'><error type='cancel'>
           <item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    ));
    assert_eq!(rooms(&table), 0);
    table.silence();
    table.join(DAVE, "Dave");
    table.told(DAVE, &["presence: error auth forbidden"]);
    assert_eq!(rooms(&table), 1);
    minutes(&mut table);
    assert_eq!(rooms(&table), 0);
    table.say(DAVE, "anybody?");
    minutes(&mut table);
    assert_eq!(rooms(&table), 0);
}

/// What happened is on disk, and what was told of it is lost: it is told again.
fn lost(table: &mut Table, what: impl FnOnce(&mut Table)) -> Vec<String> {
    table.harness.confirm();
    table.harness.confirm_automatically(false);
    table.quiet();
    table.harness.hold();
    what(table);
    table.harness.crash(Crash::AfterCommit);
    told_all(table)
}

#[test]
fn a_join_that_nobody_was_told_of_is_told_after_the_crash() {
    let mut table = Table::three();
    table.say(BOB, "before");
    let told = lost(&mut table, |table| table.join(DAVE, "Dave"));
    let expected = [
        format!("{BOB} ← Dave none/participant"),
        format!("{CAROL} ← Dave none/participant"),
        format!("{ALICE} ← Dave none/participant {DAVE}"),
        format!("{DAVE} ← Ann owner/moderator"),
        format!("{DAVE} ← Bob none/participant"),
        format!("{DAVE} ← Carol none/participant"),
        format!("{DAVE} ← Dave none/participant {DAVE} 110"),
        format!("{DAVE} ← Bob: before (delayed)"),
        format!("{DAVE} ← : subject []"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_new_room_that_its_creator_was_not_told_of_is_told_with_201() {
    let mut table = Table::empty();
    let told = lost(&mut table, |table| table.join(ALICE, "Ann"));
    assert_eq!(
        told,
        [
            format!("{ALICE} ← Ann owner/moderator {ALICE} 110 201"),
            format!("{ALICE} ← : subject []")
        ]
    );
}

#[test]
fn a_departure_that_nobody_was_told_of_is_told_after_the_crash() {
    let mut table = Table::three();
    let told = lost(&mut table, |table| table.leave(BOB, "Bob"));
    let expected = [
        format!("{BOB} ← -Bob none/none {BOB} 110"),
        format!("{ALICE} ← -Bob none/none {BOB}"),
        format!("{CAROL} ← -Bob none/none"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_kick_that_nobody_was_told_of_is_told_after_the_crash() {
    let mut table = Table::three();
    let told = lost(&mut table, |table| table.admin(ALICE, "<item nick='Bob' role='none'/>"));
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[0].ends_with("110 307"));
}

#[test]
fn a_nickname_that_nobody_was_told_of_is_told_after_the_crash() {
    let mut table = Table::three();
    let told = lost(&mut table, |table| table.presence(BOB, "Rob", "<show>away</show>"));
    let to_carol: Vec<_> =
        told.iter().filter_map(|line| line.strip_prefix(&format!("{CAROL} ← "))).collect();
    assert_eq!(to_carol, ["-Bob none/participant →Rob 303", "Rob (away) none/participant"]);
    let to_bob: Vec<_> =
        told.iter().filter_map(|line| line.strip_prefix(&format!("{BOB} ← "))).collect();
    assert_eq!(
        to_bob,
        [
            "-Bob none/participant bob@example.com/desk →Rob 110 303",
            "Rob (away) none/participant bob@example.com/desk 110"
        ]
    );
}

#[test]
fn who_has_a_like_nickname_learns_that_the_other_is_gone() {
    let mut table = Table::three();
    let told = lost(&mut table, |table| {
        table.leave(BOB, "Bob");
        table.presence(CAROL, "bob", "");
    });
    assert!(told.contains(&format!("{CAROL} ← -Bob none/none")), "{told:#?}");
}

#[test]
fn who_moved_to_a_nickname_of_his_own_learns_it_though_nobody_else_sees_a_change() {
    let mut table = Table::three();
    table.join(BOB2, "Bert");
    table.leave(ALICE, "Ann");
    let told = lost(&mut table, |table| table.presence(BOB, "Bert", ""));
    let both = format!("Bert none/participant {BOB} none/participant {BOB2} 110");
    let own: Vec<_> =
        told.iter().filter_map(|line| line.strip_prefix(&format!("{BOB} ← "))).collect();
    assert_eq!(own, [&format!("-Bob none/participant {BOB} →Bert 110 303"), &both]);
}

/// What this one was told, in short.
fn to(told: &[String], who: &str) -> Vec<String> {
    let start = format!("{who} ← ");
    told.iter().filter_map(|line| line.strip_prefix(&start).map(str::to_owned)).collect()
}

#[test]
fn who_joined_again_and_never_saw_his_own_removal_learns_who_is_gone() {
    let mut table = Table::three();
    table.join(DAVE, "Dave");
    let told = lost(&mut table, |table| {
        table.admin(ALICE, "<item nick='Bob' role='none'/>");
        table.leave(CAROL, "Carol");
        table.join(BOB, "Bob2");
        table.leave(DAVE, "Dave");
    });
    let greeted = ["Ann owner/moderator", "Bob2 none/participant bob@example.com/desk 110"];
    let gone = ["-Bob none/none by Ann 307", "-Carol none/none", "-Dave none/none"];
    let told = to(&told, BOB);
    assert_eq!(
        (&told[..3], &told[3..5]),
        (&gone.map(String::from)[..], &greeted.map(String::from)[..])
    );
    // Who was not in the room learns of nobody whom he never saw.
    let mut table = Table::three();
    let told = lost(&mut table, |table| {
        table.leave(CAROL, "Carol");
        table.join(DAVE, "Dave");
    });
    assert!(to(&told, DAVE).iter().all(|line| !line.starts_with('-')), "{told:#?}");
    // Nor does his nickname go from who has it again.
    let mut table = Table::three();
    let told = lost(&mut table, |table| {
        table.leave(BOB, "Bob");
        table.join(BOB, "Bob");
    });
    assert!(to(&told, BOB).iter().all(|line| !line.starts_with('-')), "{told:#?}");
}

#[test]
fn who_made_the_room_anew_learns_who_was_in_the_old_one() {
    let destroy = |table: &mut Table| {
        table.stanza(&format!(
            "<iq from='{ALICE}' to='{ROOM}' id='d' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>"
        ));
    };
    let leave = |table: &mut Table| {
        for (who, nick) in [(ALICE, "Ann"), (CAROL, "Carol"), (BOB, "Bob")] {
            table.leave(who, nick);
        }
    };
    let ways: [&dyn Fn(&mut Table); 2] = [&destroy, &leave];
    for end in ways {
        let mut table = Table::three();
        let told = lost(&mut table, |table| {
            end(table);
            table.join(BOB, "Ann");
        });
        let mut told = to(&told, BOB);
        let greeted = told.split_off(2);
        told.sort();
        assert_eq!(told, ["-Bob none/none", "-Carol none/none"]);
        assert_eq!(greeted[0], "Ann owner/moderator bob@example.com/desk 110 201");
    }
}

#[test]
fn a_presence_that_nobody_was_told_of_is_told_after_the_crash() {
    let mut table = Table::three();
    let told = lost(&mut table, |table| {
        table.presence(BOB, "Bob", "<show>away</show>");
        table.presence(BOB, "Bob", "<show>xa</show>");
    });
    let expected = [
        format!("{CAROL} ← Bob (xa) none/participant"),
        format!("{ALICE} ← Bob (xa) none/participant {BOB}"),
        format!("{BOB} ← Bob (xa) none/participant {BOB} 110"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_message_that_nobody_was_told_of_is_told_once_with_its_id_and_a_delay() {
    let mut table = Table::three();
    table.harness.confirm();
    table.harness.confirm_automatically(false);
    table.quiet();
    // It was on the way when the stream broke.
    table.say(BOB, "hello");
    let live = table.harness.take_to(CAROL).remove(0).element();
    table.quiet();
    table.harness.disconnect();
    table.harness.connect();
    let again = table.harness.take_to(CAROL);
    let again = again.iter().find(|sent| sent.xml.contains("hello")).expect("it is told again");
    let id = |stanza: &minidom::Element| {
        (
            stanza.attr("id").map(str::to_owned),
            stanza
                .get_child("stanza-id", "urn:xmpp:sid:0")
                .and_then(|id| id.attr("id"))
                .map(str::to_owned),
        )
    };
    assert_eq!(id(&again.element()), id(&live));
    assert!(again.element().get_child("delay", "urn:xmpp:delay").is_some());
    table.harness.confirm();
    table.quiet();
    table.harness.disconnect();
    table.harness.connect();
    assert!(told_all(&mut table).is_empty());
}

#[test]
fn a_subject_that_nobody_was_told_of_is_told_after_the_crash() {
    for archive in ["0", "1"] {
        let mut table = Table::three();
        table.submit(&[("muc#roomconfig_enablearchiving", &[archive])]);
        let told = lost(&mut table, |table| table.message(ALICE, "<subject>Cakes</subject>"));
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(
            told.iter().all(|line| line.ends_with("Ann: subject [Cakes] (delayed)")),
            "{told:?}"
        );
    }
}

#[test]
fn a_room_that_is_gone_tells_those_who_were_not_told() {
    let mut table = Table::three();
    table.harness.confirm();
    table.harness.confirm_automatically(false);
    table.quiet();
    table.harness.hold();
    table.stanza(&format!(
        "<iq from='{ALICE}' to='{ROOM}' id='d' type='set'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>"
    ));
    table.harness.crash(Crash::AfterCommit);
    let sent = table.harness.take();
    assert!(sent.iter().all(|sent| sent.xml.contains("<occupant-id ")));
    let told: Vec<_> = sent.iter().map(|sent| format!("{} ← {}", sent.to, brief(sent))).collect();
    assert_eq!(
        told,
        [
            format!("{ALICE} ← -Ann none/none destroy 110"),
            format!("{BOB} ← -Bob none/none destroy 110"),
            format!("{CAROL} ← -Carol none/none destroy 110"),
        ]
    );
}

#[test]
fn what_was_not_committed_did_not_happen() {
    let mut table = Table::three();
    let before = table.harness.machine().component().image();
    table.harness.hold();
    table.join(DAVE, "Dave");
    table.leave(BOB, "Bob");
    table.presence(CAROL, "Caro", "");
    table.harness.crash(Crash::BeforeCommit);
    assert!(told_all(&mut table).is_empty());
    assert_eq!(table.harness.machine().component().image(), before);
}

/// Case 67; design §9.
#[test]
fn after_a_reconnect_each_session_is_asked_once_from_the_room() {
    let mut table = Table::three();
    table.harness.disconnect();
    table.harness.connect();
    table.harness.advance(Duration::from_secs(5));
    let asked = table.harness.take();
    assert_eq!(asked.len(), 3);
    for ping in &asked {
        ping.expect(&format!(
            "<iq from='{ROOM}' to='{}' id='*' type='get'><ping xmlns='urn:xmpp:ping'/></iq>",
            ping.to
        ));
    }
    let answer =
        |from: &str, content: &str| format!("<iq from='{from}' to='{ROOM}' id='x' {content}</iq>");
    table.stanza(&answer(ALICE, "type='result'>"));
    table.stanza(&answer(
        BOB,
        "type='error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
    ));
    // His server may have said so, as he is gone, or his client, which knows no pings.
    table.harness.take_to(BOB)[0].expect(&format!(
        "<message from='{ROOM}' to='{BOB}' type='groupchat' id='*'><no-store xmlns='urn:xmpp:hints'/></message>"
    ));
    table.silence();
    table.stanza(&answer(BOB, "type='error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"));
    table.silence();
    table.stanza(&format!(
        "<message from='{BOB}' to='{ROOM}' id='x' type='error'><error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>"
    ));
    table.told(BOB, &["-Bob none/none bob@example.com/desk 110 333"]);
    table.quiet();
    // Carol may be suspended: she says nothing for a while.
    table.harness.advance(Duration::from_secs(14 * 60));
    table.silence();
    table.harness.advance(Duration::from_secs(2 * 60));
    table.told(ALICE, &["-Carol none/none carol@example.net/cell 333"]);
    table.told(CAROL, &["-Carol none/none carol@example.net/cell 110 333"]);
    table.harness.advance(Duration::from_secs(3600));
    table.silence();
}

/// XEP-0199 §4: who knows no pings is there all the same.
#[test]
fn a_client_without_pings_stays_through_a_reconnect() {
    let mut table = Table::new();
    table.join(BOB, "Bob");
    for condition in ["service-unavailable", "feature-not-implemented"] {
        table.harness.restart();
        table.harness.advance(Duration::from_secs(5));
        table.quiet();
        table.stanza(&format!(
            "<iq from='{BOB}' to='{ROOM}' id='x' type='error'><error type='cancel'>
               <{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        ));
        table.harness.take_to(BOB);
        table.say(ALICE, "here");
        table.harness.advance(Duration::from_secs(3600));
        table.told(BOB, &["Ann: here"]);
        table.told(ALICE, &["Ann: here"]);
    }
}

#[test]
fn who_says_anything_after_a_reconnect_is_there() {
    let mut table = Table::three();
    table.harness.restart();
    table.harness.advance(Duration::from_secs(60));
    table.say(ALICE, "here");
    table.presence(BOB, "Bob", "");
    table.whisper(CAROL, "Bob", "<body>here</body>");
    table.quiet();
    table.harness.advance(Duration::from_secs(3600));
    table.silence();
}

#[test]
fn the_sweep_keeps_to_its_rate() {
    let mut table = Table::with(serde_json::json!({ "sweep_rate": 20, "joins_per_second": 0 }));
    table.open();
    for number in 0..49 {
        table.join(&format!("u{number}@example.com/x"), &format!("u{number}"));
    }
    table.harness.restart();
    table.quiet();
    table.harness.advance(Duration::from_secs(1));
    let second = table.harness.take().len();
    assert!((18..=22).contains(&second), "{second}");
    table.harness.advance(Duration::from_secs(3));
    assert!(table.harness.take().len() <= 32);
}

#[test]
fn who_spoke_before_his_turn_came_is_not_asked() {
    let mut table = Table::with(serde_json::json!({ "sweep_rate": 10, "joins_per_second": 0 }));
    table.open();
    for number in 0..20 {
        table.join(&format!("u{number}@example.com/x"), &format!("u{number}"));
    }
    table.harness.restart();
    table.harness.advance(Duration::from_millis(500));
    table.say(ALICE, "here");
    table.quiet();
    table.harness.advance(Duration::from_secs(10));
    let asked: Vec<_> = table.harness.take();
    // Alice was here first and is asked last.
    assert!(asked.len() > 10 && asked.iter().all(|sent| sent.to != ALICE));
}

/// §11.2.
#[test]
fn a_final_stop_tells_each_session_with_332() {
    let mut table = Table::three();
    table.harness.input(annex_service::input::Input::Shutdown { last: false });
    table.silence();
    table.harness.input(annex_service::input::Input::Shutdown { last: true });
    table.told(ALICE, &["-Ann owner/none alice@example.com/phone 110 332"]);
    table.told(BOB, &["-Bob none/none bob@example.com/desk 110 332"]);
    table.told(CAROL, &["-Carol none/none carol@example.net/cell 110 332"]);
    table.silence();
}

#[test]
fn a_service_that_is_set_to_stop_says_so_on_every_stop() {
    let mut table = Table::with(serde_json::json!({ "on_shutdown": "stop" }));
    table.open();
    table.harness.input(annex_service::input::Input::Shutdown { last: false });
    table.told(ALICE, &["-Ann owner/none alice@example.com/phone 110 332"]);
}

#[test]
fn notes_of_an_older_program_are_read() {
    let destroyed = Note::Destroyed {
        room: ROOM.to_owned(),
        payload: b"<x/>".to_vec(),
        sessions: vec![("Bob".to_owned(), BOB.to_owned())],
        nicks: BTreeMap::new(),
    };
    let mut older = destroyed.encode();
    older[0] = 1;
    assert_eq!(older.pop(), Some(0), "no nicknames");
    assert_eq!(Note::decode(&older), Some(destroyed));
    let message = Note::Message { room: 1, message: 2 };
    let mut older = message.encode();
    older[0] = 1;
    assert_eq!(Note::decode(&older), Some(message));
}
