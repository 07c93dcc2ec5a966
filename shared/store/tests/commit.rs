//! Commits, their reports, and what reads see of them.
#![allow(clippy::unwrap_used)]

mod common;

use std::sync::{Arc, Barrier, mpsc};

use annex_service::store::{Op, Read as _, Scan, StoreError, Table};
use annex_store::{Commit, Committed, Mark, Memory, Store, delete_within};
use common::{ITEM, PATIENCE, ROOM, Running, config, noise};

#[test]
fn what_was_reported_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    running.write(vec![Op::put(ROOM, *b"a", "one"), Op::put(ITEM, *b"a", "two")]);
    running.write(vec![Op::delete(ROOM, *b"a"), Op::put(ROOM, *b"b", "three")]);
    running.store.close();

    let running = Running::open(config(dir.path())).unwrap();
    assert_eq!(running.store.marks().committed, Mark { turn: 2, stamp: 20 });
    let reader = running.store.reader();
    assert_eq!(reader.get(ROOM, b"a").unwrap(), None);
    assert_eq!(reader.get(ROOM, b"b").unwrap().unwrap(), "three");
    assert_eq!(reader.get(ITEM, b"a").unwrap().unwrap(), "two");
    running.healthy();
}

#[test]
fn the_confirmed_mark_is_stored_without_a_commit() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    running.write(vec![Op::put(ROOM, *b"a", "one")]);
    running.store.confirm(Mark { turn: 1, stamp: 10 });
    running.store.close();
    let mut running = Running::open(config(dir.path())).unwrap();
    assert_eq!(running.store.marks().confirmed, Mark { turn: 1, stamp: 10 });
    // And with the next group.
    running.store.confirm(Mark { turn: 2, stamp: 20 });
    running.write(Vec::new());
    assert_eq!(running.store.marks().confirmed, Mark { turn: 2, stamp: 20 });
}

#[test]
fn commits_that_wait_together_share_a_flush() {
    let dir = tempfile::tempdir().unwrap();
    // The sink holds the storage thread after the first report, so that the others gather.
    let gate = Arc::new(Barrier::new(2));
    let (inner, (sink, reports)) = (gate.clone(), mpsc::channel());
    let report = move |done: Committed| {
        if done.turn == 1 {
            inner.wait();
        }
        sink.send(done.turn).unwrap();
    };
    let store = Store::open(config(dir.path()), Box::new(report)).unwrap();
    let commit = |turn| {
        let ops = vec![Op::put(ROOM, *b"key", noise(turn, 100))];
        store.commit(Commit { turn, stamp: 0, ops });
    };
    commit(1);
    for turn in 2..=100 {
        commit(turn);
    }
    gate.wait();
    for turn in 1..=100 {
        assert_eq!(reports.recv_timeout(PATIENCE).unwrap(), turn);
    }
    // Turn 1 may have taken some along: at most its own group, then one for the rest.
    assert!(store.inspect().flushes <= 2, "{:?}", store.inspect());
    assert_eq!(store.queued(), 0);
}

#[test]
fn a_commit_far_over_the_size_of_a_group_is_written_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    let ops: Vec<Op> = (0..6_000u32)
        .map(|n| Op::put(ROOM, n.to_be_bytes(), noise(n.into(), 4_000)))
        .chain([Op::put(ITEM, *b"long", noise(9, 8 << 20))])
        .collect();
    running.write(ops);
    running.store.close();
    let running = Running::open(config(dir.path())).unwrap();
    running.healthy();
    let reader = running.store.reader();
    assert_eq!(reader.get(ITEM, b"long").unwrap().unwrap(), noise(9, 8 << 20));
    assert_eq!(reader.get(ROOM, &77u32.to_be_bytes()).unwrap().unwrap(), noise(77, 4_000));
}

#[test]
fn replaced_and_removed_long_values_leave_no_chunk() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    let lengths = [4096, 4097, 100_000, 0, 70_000, 8192, 8193, 12];
    for (turn, length) in (0u64..).zip(lengths) {
        running.write(vec![Op::put(ROOM, *b"k", noise(turn, length))]);
        let value = running.store.reader().get(ROOM, b"k").unwrap().unwrap();
        assert_eq!(value, noise(turn, length));
        running.healthy();
    }
    // Replaced within one commit.
    running.write(vec![
        Op::put(ROOM, *b"k", noise(1, 50_000)),
        Op::put(ROOM, *b"k", noise(2, 60_000)),
    ]);
    running.healthy();
    running.write(vec![Op::delete(ROOM, *b"k"), Op::delete(ROOM, *b"never there")]);
    running.healthy();
    assert!(running.store.inspect().tables.is_empty());
}

#[test]
fn what_may_not_be_written_stops_the_store() {
    for op in [
        Op::put(ROOM, vec![1; 513], "key too long"),
        Op::put(Table::new(99, "unknown"), *b"k", "no such table"),
        Op::put(Table::new(0, "meta"), *b"k", "not yours"),
    ] {
        let mut memory = Running::memory(&Memory::new());
        memory.queue(vec![op.clone()]);
        assert!(memory.report().result.is_err());

        let dir = tempfile::tempdir().unwrap();
        let mut running = Running::open(config(dir.path())).unwrap();
        running.write(vec![Op::put(ROOM, vec![1; 512], "fits")]);
        running.queue(vec![Op::put(ROOM, *b"beside", "x"), op]);
        let error = running.report().result.unwrap_err();
        assert!(!error.full);
        running.queue(vec![Op::put(ROOM, *b"after", "x")]);
        assert_eq!(running.report().result.unwrap_err().to_string(), error.to_string());
        running.store.close();
        let running = Running::open(config(dir.path())).unwrap();
        assert_eq!(running.store.reader().get(ROOM, b"beside").unwrap(), None);
        running.healthy();
    }
}

#[test]
fn a_fetch_sees_the_commits_queued_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let memory = Memory::new();
    for mut running in [Running::memory(&memory), Running::open(config(dir.path())).unwrap()] {
        let (deliver, pages) = mpsc::channel();
        for n in 1..=50u32 {
            running.queue(vec![Op::put(ROOM, n.to_be_bytes(), noise(n.into(), 5_000))]);
            let deliver = deliver.clone();
            let scan = Scan::all(ROOM).limit(usize::MAX).bytes(usize::MAX);
            running.store.fetch(scan, move |page| {
                deliver.send((n, page.unwrap().rows.len())).unwrap();
            });
        }
        for n in 1..=50 {
            let (number, rows) = pages.recv_timeout(PATIENCE).unwrap();
            assert_eq!(number, n);
            assert!(rows >= n as usize, "fetch {n} found {rows}");
        }
    }
}

#[test]
fn a_stretch_is_removed_in_portions() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    let put = |n: u32| Op::put(ROOM, n.to_be_bytes(), "x");
    running.write((0..300).map(put).collect());
    let mut portions = 0;
    loop {
        let scan = Scan::prefix(ROOM, &[0, 0, 0]).limit(usize::MAX);
        let portion = delete_within(&running.store.reader(), &scan).unwrap();
        assert!(portion.ops.len() <= 64);
        running.write(portion.ops);
        portions += 1;
        if portion.complete {
            break;
        }
    }
    assert_eq!(portions, 4);
    assert_eq!(running.store.inspect().tables[0].records, 300 - 256);
    running.healthy();
}

#[test]
fn a_clone_keeps_the_store_open() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    let clone = running.store.clone();
    running.write(vec![Op::put(ROOM, *b"a", "one")]);
    drop(std::mem::replace(&mut running.store, clone));
    running.write(vec![Op::put(ROOM, *b"a", "two")]);
    assert_eq!(running.store.reader().get(ROOM, b"a").unwrap().unwrap(), "two");
}

#[test]
fn memory_holds_commits_until_they_are_released() {
    let memory = Memory::new();
    let mut running = Running::memory(&memory);
    memory.hold();
    running.queue(vec![Op::put(ROOM, *b"a", "one")]);
    running.queue(vec![Op::put(ROOM, *b"b", "two")]);
    let (deliver, pages) = mpsc::channel();
    running.store.fetch(Scan::all(ROOM), move |page| deliver.send(page.unwrap()).unwrap());
    running.queue(vec![Op::put(ROOM, *b"c", "three")]);
    assert_eq!(memory.in_flight(), 3);
    assert!(running.store.queued() > 0);
    assert!(running.reports.try_recv().is_err());
    assert_eq!(running.store.reader().get(ROOM, b"a").unwrap(), None);

    assert!(memory.release_one());
    assert_eq!(running.report().turn, 1);
    assert!(pages.try_recv().is_err());
    assert!(memory.release_one());
    assert_eq!(pages.try_recv().unwrap().rows.len(), 2);
    assert_eq!(running.report().turn, 2);
    assert!(running.reports.try_recv().is_err());

    // The process dies with turn 3 in flight.
    memory.crash();
    let mut running = Running::memory(&memory);
    assert_eq!(running.store.marks().committed.turn, 2);
    assert_eq!(memory.records().len(), 2);
    running.write(vec![Op::put(ROOM, *b"d", "four")]);
}

#[test]
fn memory_fails_when_told() {
    let memory = Memory::new();
    let mut running = Running::memory(&memory);
    memory.fail_next_read(StoreError::new("read", "told to"));
    assert!(running.store.reader().get(ROOM, b"a").is_err());
    assert!(running.store.reader().get(ROOM, b"a").is_ok());
    memory.fill_up();
    running.queue(vec![Op::put(ROOM, *b"a", "one")]);
    assert!(running.report().result.unwrap_err().full);
    running.queue(Vec::new());
    assert!(running.report().result.is_err());
}
