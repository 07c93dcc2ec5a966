//! What must happen, be told again, be deleted or be kept over a restart.

use std::time::Duration;

use annex_service::{audit, due, service::Service, slices, unconfirmed};
use annex_testkit::{Crash, Harness};

use crate::probe::{Probe, Probed, THINGS, message, probe, seconds};

fn act(harness: &mut Probed, acts: &str) {
    harness.stanza(&message("a@probe.example.com", acts));
}

fn events(harness: &Probed) -> Vec<&str> {
    harness.machine().component().events.iter().map(String::as_str).collect()
}

#[test]
fn what_is_due_comes_at_its_time_and_in_order() {
    let mut harness = probe();
    act(&mut harness, "<due after='60' id='2'/><due after='10' id='1'/><due after='3600' id='3'/>");
    harness.advance(seconds(9));
    assert_eq!(events(&harness), [""; 0]);
    harness.advance(seconds(4_000));
    assert_eq!(
        events(&harness),
        [
            "due 1 at 2026-01-02T03:04:15Z",
            "due 2 at 2026-01-02T03:05:05Z",
            "due 3 at 2026-01-02T04:04:05Z"
        ]
    );
    assert_eq!(harness.store().table(due::TABLE), []);
}

#[test]
fn what_is_due_survives_a_crash_and_overdue_work_is_spread() {
    let mut harness = probe();
    for id in 0..100 {
        act(&mut harness, &format!("<due after='{}' id='{id}'/>", 100 + id));
    }
    harness.step_wall(200_000_000);
    harness.crash(Crash::AfterCommit);
    assert_eq!(events(&harness).len(), 32, "not all at once");
    harness.advance(Duration::from_millis(9));
    assert_eq!(events(&harness).len(), 32);
    harness.advance(seconds(1));
    assert_eq!(events(&harness).len(), 100);
    assert!(events(&harness)[99].starts_with("due 99 "));
}

#[test]
fn what_is_due_is_found_when_the_clock_steps() {
    let mut harness = probe();
    act(&mut harness, "<due after='36000' id='1'/>");
    harness.step_wall(36_000_000_000);
    harness.advance(seconds(60));
    assert_eq!(events(&harness).len(), 1, "a step forward is noticed within a minute");
    act(&mut harness, "<due after='30' id='2'/>");
    harness.step_wall(-3_600_000_000);
    harness.advance(seconds(3_000));
    assert_eq!(events(&harness).len(), 1, "not before its time");
    harness.advance(seconds(700));
    assert_eq!(events(&harness).len(), 2);
}

#[test]
fn an_entry_that_was_taken_back_never_comes() {
    let mut harness = probe();
    act(&mut harness, "<due after='10' id='1'/>");
    let at = annex_testkit::harness::EPOCH.0 + 10_000_000;
    act(&mut harness, &format!("<clear at='{at}' id='1'/>"));
    harness.advance(seconds(100));
    assert_eq!(events(&harness), [""; 0]);
}

#[test]
fn what_is_due_is_not_forgotten_because_a_handler_was_refused() {
    let mut harness = probe();
    // This entry is discarded, with the timer that was armed for it.
    act(&mut harness, "<due after='5' id='9'/><refuse/>");
    harness.take();
    act(&mut harness, "<due after='10' id='1'/>");
    harness.advance(seconds(10));
    assert_eq!(events(&harness), ["due 1 at 2026-01-02T03:04:15Z"]);
    // A later one that is discarded does not move the timer of an earlier one.
    act(&mut harness, "<due after='10' id='2'/>");
    act(&mut harness, "<due after='5' id='9'/><panic/>");
    harness.take();
    harness.advance(seconds(10));
    assert_eq!(events(&harness).len(), 2);
}

#[test]
fn what_fails_when_it_is_due_comes_again() {
    let mut harness = probe();
    act(&mut harness, "<fail-timers times='2'/><due after='10' id='1'/>");
    harness.advance(seconds(129));
    assert_eq!(events(&harness), [""; 0]);
    harness.advance(seconds(1));
    assert_eq!(events(&harness), ["due 1 at 2026-01-02T03:06:15Z"]);
}

#[test]
fn what_may_not_have_arrived_is_told_again_after_a_crash() {
    let mut harness = probe();
    harness.confirm_automatically(false);
    act(&mut harness, "<note text='one'/><note text='two'/>");
    harness.confirm();
    act(&mut harness, "<note text='three'/><note text='four'/>");
    act(&mut harness, "<note text='five'/>");
    harness.crash(Crash::AfterCommit);
    assert_eq!(events(&harness), ["again three", "again four", "again five"]);
    harness.hold();
    act(&mut harness, "<note text='six'/>");
    harness.crash(Crash::BeforeCommit);
    assert_eq!(events(&harness), ["again three", "again four", "again five"]);
    harness.hold();
    act(&mut harness, "<note text='seven'/>");
    harness.crash(Crash::AfterCommit);
    assert_eq!(events(&harness).last(), Some(&"again seven"));
}

#[test]
fn what_arrived_is_not_told_again() {
    let mut harness = probe();
    act(&mut harness, "<note text='one'/>");
    harness.advance(seconds(1));
    assert_eq!(harness.store().table(unconfirmed::TABLE), [], "dropped when it is confirmed");
    harness.restart();
    assert_eq!(events(&harness), [""; 0]);
    // The mark is stored, and the notes are still there.
    harness.confirm_automatically(false);
    act(&mut harness, "<note text='two'/><note text='three'/>");
    let mut store = harness.store().clone();
    store.confirmed = store.marks.turn;
    let common = annex_testkit::common("probe.example.com");
    let build = move || Service::<Probe>::new(common.clone(), &serde_json::json!({}));
    assert_eq!(events(&Harness::over(store, build)), [""; 0]);
}

#[test]
fn confirmed_notes_are_dropped_in_slices() {
    let mut harness = probe();
    harness.confirm_automatically(false);
    for n in 0..200 {
        act(&mut harness, &format!("<note text='{n}'/>"));
    }
    assert_eq!(harness.store().table(unconfirmed::TABLE).len(), 200);
    harness.hold();
    let mark = harness.store().marks.turn;
    harness.input(annex_service::input::Input::Confirmed(mark));
    harness.commit_one();
    assert_eq!(harness.store().table(unconfirmed::TABLE).len(), 200, "not in a commit of its own");
    harness.advance(seconds(1));
    harness.commit_one();
    assert_eq!(harness.store().table(unconfirmed::TABLE).len(), 136, "a slice at a time");
    harness.release();
    assert_eq!(harness.store().table(unconfirmed::TABLE), []);
}

fn noted(harness: &Probed) -> Vec<String> {
    let rows = harness.store().table(unconfirmed::TABLE);
    rows.iter().map(|row| String::from_utf8_lossy(&row.value).into_owned()).collect()
}

#[test]
fn what_is_noted_late_is_written_down_when_it_is_not_confirmed_soon() {
    let mut harness = probe();
    harness.confirm_automatically(false);
    act(&mut harness, "<note-late text='one'/><note text='two'/><note-late text='three'/>");
    assert_eq!(noted(&harness), ["two"]);
    harness.advance(Duration::from_millis(30));
    act(&mut harness, "<note-late text='four'/>");
    harness.advance(Duration::from_millis(20));
    assert_eq!(noted(&harness), ["one", "two", "three"], "in its place");
    harness.advance(Duration::from_millis(30));
    assert_eq!(noted(&harness), ["one", "two", "three", "four"]);
    harness.crash(Crash::AfterCommit);
    assert_eq!(events(&harness), ["again one", "again two", "again three", "again four"]);
}

#[test]
fn what_is_noted_late_and_confirmed_before_is_never_written_down() {
    let mut harness = probe();
    harness.confirm_automatically(false);
    act(&mut harness, "<note-late text='one'/>");
    let mark = harness.store().marks.turn;
    harness.input(annex_service::input::Input::Confirmed(mark));
    act(&mut harness, "<note-late text='two'/>");
    harness.advance(seconds(1));
    assert_eq!(noted(&harness), ["two"]);
}

#[test]
fn what_is_noted_late_is_written_down_when_the_stream_or_the_process_ends() {
    let mut harness = probe();
    harness.confirm_automatically(false);
    act(&mut harness, "<note-late text='one'/>");
    harness.disconnect();
    assert_eq!(noted(&harness), ["one"]);
    harness.connect();
    assert_eq!(events(&harness), ["again one"]);
    act(&mut harness, "<note-late text='two'/>");
    harness.input(annex_service::input::Input::Shutdown { last: false });
    assert!(noted(&harness).contains(&"two".to_owned()));
}

#[test]
fn a_large_deletion_goes_in_slices_and_goes_on_after_a_crash() {
    let mut harness = probe();
    act(&mut harness, "<fill prefix='a' count='300'/><fill prefix='b' count='3'/>");
    act(&mut harness, "<fill prefix='aa' count='1'/>");
    harness.hold();
    act(&mut harness, "<doom prefix='a'/>");
    harness.commit_one();
    // The timer is armed, and its turn is in flight when the process dies.
    harness.crash(Crash::BeforeCommit);
    let left: Vec<_> = harness.store().table(THINGS).into_iter().map(|row| row.key).collect();
    assert_eq!(left, ["b000000", "b000001", "b000002"]);
    assert_eq!(harness.store().table(slices::TABLE), []);
}

#[test]
fn a_slice_has_at_most_64_records() {
    let mut harness = probe();
    act(&mut harness, "<fill prefix='a' count='100'/><fill prefix='b' count='100'/>");
    harness.hold();
    act(&mut harness, "<doom prefix='a'/><doom prefix='b'/>");
    let mut before = harness.store().len();
    while harness.commit_one() {
        let now = harness.store().len();
        assert!(before.saturating_sub(now) <= 65, "{before} to {now}");
        before = now;
        harness.advance(seconds(0));
    }
    assert_eq!(harness.store().table(THINGS), []);
}

#[test]
fn the_audit_log_keeps_90_days() {
    let mut harness = probe();
    for n in 0..150 {
        act(&mut harness, &format!("<audit reason='{n}'/>"));
    }
    harness.advance(seconds(10 * 24 * 3600));
    act(&mut harness, "<audit reason='later'/>");
    harness.advance(seconds(79 * 24 * 3600));
    assert_eq!(harness.store().table(audit::TABLE).len(), 151);
    harness.advance(seconds(25 * 3600));
    assert_eq!(harness.store().table(audit::TABLE).len(), 1);
    harness.advance(seconds(11 * 24 * 3600));
    assert_eq!(harness.store().table(audit::TABLE), []);
}

#[test]
fn one_user_has_a_thousand_entries_an_hour() {
    let mut harness = probe();
    let acts = "<audit reason='r'/>".repeat(900);
    let entries = |harness: &Probed| harness.store().table(audit::TABLE).len();
    for expected in [900, 1_000, 1_000] {
        act(&mut harness, &acts);
        assert_eq!(entries(&harness), expected);
    }
    let log = harness.verb("audit", serde_json::Value::Null).unwrap();
    let log: serde_json::Value = serde_json::from_slice(&log.body).unwrap();
    assert_eq!(log["rows"][0][3], "audit/full");
    assert_eq!(log["rows"][1][3], "thing/do");
    assert_eq!(harness.counted("annex_audit_dropped_total"), 1_700);
    // Others have their own, and admins need none.
    let bob = message("a@probe.example.com", "<audit reason='r'/>").replace("alice@", "bob@");
    harness.stanza(&bob);
    assert_eq!(entries(&harness), 1_001);
    let admin = message("a@probe.example.com", &acts).replace("alice@", "admin@");
    harness.stanza(&admin);
    harness.stanza(&admin);
    assert_eq!(entries(&harness), 2_801);
    harness.advance(seconds(3_600));
    act(&mut harness, "<audit reason='r'/>");
    assert_eq!(entries(&harness), 2_802);
}

#[test]
fn long_texts_in_the_audit_log_are_cut() {
    let mut harness = probe();
    act(&mut harness, &format!("<audit reason='{}'/>", "ü".repeat(2_000)));
    let rows = harness.store().table(audit::TABLE);
    assert!(rows[0].value.len() < 1_200, "{} bytes", rows[0].value.len());
}
