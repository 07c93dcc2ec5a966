//! Giving space back while the store is in use.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use annex_service::store::{Op, Read as _, Scan};
use annex_store::files;
use common::{ROOM, Running, config, content, noise};

/// Bytes of the files, without the room that is kept for a full device.
fn data(store: &Path) -> u64 {
    files(store) - store.join("ballast").metadata().unwrap().len()
}

fn key(n: u64) -> [u8; 8] {
    n.to_be_bytes()
}

#[test]
fn files_stay_within_twice_the_live_data() {
    const RECORDS: u64 = 200_000;
    let dir = tempfile::tempdir().unwrap();
    // No compaction by itself: its moment would depend on the machine.
    let config = annex_store::Config { compact_from: None, ..config(dir.path()) };
    let mut running = Running::open(config.clone()).unwrap();
    for start in (0..RECORDS).step_by(2_000) {
        let put = |n| Op::put(ROOM, key(n), noise(n, 100));
        running.write((start..start + 2_000).map(put).collect());
    }
    for start in (0..RECORDS).step_by(5_000) {
        let gone = (start..start + 5_000).filter(|n| n % 10 != 0);
        running.write(gone.map(|n| Op::delete(ROOM, key(n))).collect());
    }
    let live = running.store.inspect().live_bytes;
    assert_eq!(live, RECORDS / 10 * 109);
    let before = running.store.inspect().file_bytes;
    running.store.compact().unwrap();
    let after = data(dir.path());
    // Segments of half a MiB and what the copy runs ahead weigh in a store as small as this one.
    assert!(after <= 2 * live + (8 << 20), "{before} → {after}, live {live}");
    assert!(after < before / 2, "{before} → {after}");
    running.healthy();
    running.store.close();
    let running = Running::open(config).unwrap();
    running.healthy();
    assert_eq!(running.store.inspect().live_bytes, live);
    assert_eq!(running.store.reader().get(ROOM, &key(70)).unwrap().unwrap(), noise(70, 100));
}

#[test]
fn compaction_starts_by_itself_when_the_files_have_grown() {
    let dir = tempfile::tempdir().unwrap();
    let config = annex_store::Config { compact_from: Some(4 << 20), ..config(dir.path()) };
    let mut running = Running::open(config).unwrap();
    for start in (0..20_000).step_by(500) {
        running.write((start..start + 500).map(|n| Op::put(ROOM, key(n), noise(n, 500))).collect());
    }
    for start in (0..20_000).step_by(500) {
        let gone = (start..start + 500).filter(|n| n % 10 != 0);
        running.write(gone.map(|n| Op::delete(ROOM, key(n))).collect());
    }
    // Until it has happened; it begins within a second of rest or 4 MiB of writes.
    for turn in 0..200_000 {
        let (inspect, live) = (running.store.inspect(), running.store.inspect().live_bytes);
        if !inspect.compacting && inspect.file_bytes <= 2 * live + (8 << 20) {
            assert!(inspect.compactions > 0, "{inspect:?}");
            running.healthy();
            return;
        }
        running.write(vec![Op::put(ROOM, key(turn % 2_000 * 10), noise(turn, 500))]);
    }
    panic!("it never started: {:?}", running.store.inspect());
}

/// Eight commits are always in flight: each compaction has to arrive against them.
#[test]
fn a_compaction_wins_against_writers_without_a_pause() {
    const RECORDS: u64 = 60_000;
    const FLIGHT: u64 = 8;
    let dir = tempfile::tempdir().unwrap();
    let config = annex_store::Config { compact_from: Some(4 << 20), ..config(dir.path()) };
    let mut running = Running::open(config).unwrap();
    let put = |n| Op::put(ROOM, key(n), noise(n, 500));
    let delete = |n| Op::delete(ROOM, key(n));
    let parts = || (0..RECORDS).step_by(200).map(|from| from..from + 200);
    let written = parts().map(|part| part.map(put).collect::<Vec<_>>());
    let deleted = parts().map(|part| part.filter(|n| n % 10 != 0).map(delete).collect());
    for (commit, ops) in written.chain(deleted).enumerate() {
        running.queue(ops);
        if commit as u64 >= FLIGHT {
            running.report().result.unwrap();
        }
    }
    // Of one that is under way the copy is beside them: at most as large again.
    let inspect = running.store.inspect();
    let (files, live) = (inspect.file_bytes, inspect.live_bytes);
    assert!(inspect.compactions > 0 && files < 10 * live + (8 << 20), "{files}, live {live}");
    (0..FLIGHT).for_each(|_| running.report().result.unwrap());
    running.healthy();
}

#[test]
fn a_store_that_is_closed_after_its_last_write_is_small() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    for start in (0..60_000).step_by(1_000) {
        running
            .write((start..start + 1_000).map(|n| Op::put(ROOM, key(n), noise(n, 100))).collect());
    }
    for start in (0..60_000).step_by(1_000) {
        let gone = (start..start + 1_000).filter(|n| n % 10 != 0);
        running.write(gone.map(|n| Op::delete(ROOM, key(n))).collect());
    }
    let live = running.store.inspect().live_bytes;
    let before = running.store.inspect().file_bytes;
    running.store.close();
    let after = data(dir.path());
    assert!(after <= 2 * live + (4 << 20), "{before} → {after}, live {live}");
    let running = Running::open(config(dir.path())).unwrap();
    running.healthy();
    assert_eq!(running.store.inspect().live_bytes, live);
}

#[test]
fn a_store_that_is_closed_at_once_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    for start in (0..20_000).step_by(1_000) {
        running
            .write((start..start + 1_000).map(|n| Op::put(ROOM, key(n), noise(n, 200))).collect());
    }
    running.write((1_000..20_000).map(|n| Op::delete(ROOM, key(n))).collect());
    let live = running.store.inspect().live_bytes;
    running.store.close_at_once();
    running.store.close();
    assert!(data(dir.path()) > 2 * live + (4 << 20));
    let mut running = Running::open(config(dir.path())).unwrap();
    running.healthy();
    // The next one makes up for it.
    running.write(vec![Op::put(ROOM, key(0), noise(0, 200))]);
    running.store.tidy();
    assert!(data(dir.path()) <= 2 * live + (4 << 20));
    running.healthy();
}

#[test]
fn readers_and_writers_go_on_through_a_switch() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(dir.path())).unwrap();
    running.write((0..2_000).map(|n| Op::put(ROOM, key(n), noise(n, 5_000))).collect());
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (reader, stop) = (running.store.reader(), stop.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let page = reader.scan(&Scan::all(ROOM)).unwrap();
                    assert_eq!(page.rows.len(), 53, "256 KiB of 5,008 bytes each");
                    for row in page.rows {
                        assert_eq!(row.value.len(), 5_000);
                    }
                }
            })
        })
        .collect();
    let store = running.store.clone();
    let compacting = thread::spawn(move || {
        for _ in 0..3 {
            store.compact().unwrap();
        }
    });
    let mut turn = 0u64;
    while !compacting.is_finished() {
        turn += 1;
        let put = |n: u64| Op::put(ROOM, key((turn * 7 + n) % 2_000), noise(turn + n, 5_000));
        running.write((0..20).map(put).collect());
    }
    compacting.join().unwrap();
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    running.healthy();
    let before = content(&running.store.reader());
    running.store.close();
    let running = Running::open(config(dir.path())).unwrap();
    assert_eq!(content(&running.store.reader()), before);
    assert_eq!(running.store.inspect().tables[0].records, 2_000);
}
