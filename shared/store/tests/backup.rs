//! Backups of a store in use, their checks, and restoring them.
#![allow(clippy::unwrap_used)]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use annex_service::store::Op;
use annex_store::{Config, FileError, Mark, Schema, Store, check_backup, restore};
use bytes::Bytes;
use common::{ITEM, LAST, ROOM, Running, config, content, noise, schema};

/// The writes of a turn: keys come, change and go all over the key space.
fn ops(turn: u64) -> Vec<Op> {
    let random = noise(turn, 60);
    random
        .chunks_exact(3)
        .map(|bytes| {
            let table = [ROOM, ITEM, LAST][usize::from(bytes[0] % 3)];
            let key = [bytes[1], bytes[2] % 8];
            match bytes[0] {
                0..60 => Op::delete(table, key),
                60..66 => Op::put(table, key, noise(turn, 10_000)),
                _ => Op::put(table, key, noise(turn ^ u64::from(bytes[0]), 100)),
            }
        })
        .collect()
}

/// What the store holds after `turn`.
fn model(turn: u64) -> BTreeMap<(u8, Vec<u8>), Bytes> {
    let mut all = BTreeMap::new();
    for op in (1..=turn).flat_map(ops) {
        let key = (op.table().id, op.key().to_vec());
        match op.value() {
            Some(value) => all.insert(key, value.clone()),
            None => all.remove(&key),
        };
    }
    all
}

/// Writes turn after turn until told to stop; returns the last one.
fn writer(mut running: Running, stop: Arc<AtomicBool>) -> thread::JoinHandle<Running> {
    thread::spawn(move || {
        while !stop.load(Ordering::Relaxed) {
            for _ in 0..4 {
                let turn = running.turn + 1;
                running.queue(ops(turn));
            }
            for _ in 0..4 {
                running.report().result.unwrap();
            }
        }
        running
    })
}

#[test]
fn a_backup_under_writers_is_the_state_between_two_commits() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(&dir.path().join("store"))).unwrap();
    for turn in 1..=50 {
        running.write(ops(turn));
    }
    let store = running.store.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let thread = writer(running, stop.clone());
    for round in 0..6 {
        let file = dir.path().join(format!("{round}.backup"));
        let before = store.marks().committed.turn;
        // A change of generation in the middle of it all.
        let compacting = (round % 2 == 1).then(|| {
            let store: Store = store.clone();
            thread::spawn(move || store.compact().unwrap())
        });
        let info = store.backup(&file).unwrap();
        let after = store.marks().committed.turn;
        let turn = info.marks.committed.turn;
        assert!(before <= turn && turn <= after, "{before} <= {turn} <= {after}");
        assert_eq!(check_backup(&file).unwrap(), info);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        let restored = config(&dir.path().join(format!("restored-{round}")));
        assert_eq!(restore(&file, &restored, false).unwrap(), info);
        let restored = Running::open(restored).unwrap();
        assert_eq!(content(&restored.store.reader()), model(turn));
        assert_eq!(restored.store.marks().committed, Mark { turn, stamp: turn * 10 });
        restored.healthy();
        if let Some(thread) = compacting {
            thread.join().unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let running = thread.join().unwrap();
    running.healthy();
    assert_eq!(content(&running.store.reader()), model(running.turn));
}

#[test]
fn an_export_under_writers_is_the_state_between_two_commits() {
    let dir = tempfile::tempdir().unwrap();
    let mut running = Running::open(config(&dir.path().join("store"))).unwrap();
    for turn in 1..=50 {
        running.write(ops(turn));
    }
    let store = running.store.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let thread = writer(running, stop.clone());
    for round in 0..3 {
        let mut text = Vec::new();
        let exported = store.export(&mut text, None).unwrap();
        let copy = config(&dir.path().join(format!("copy-{round}")));
        let imported = annex_store::import(&copy, &mut text.as_slice(), None, false).unwrap();
        assert_eq!((imported.lines, imported.marks), (exported.lines, exported.marks));
        let copy = Running::open(copy).unwrap();
        assert_eq!(content(&copy.store.reader()), model(exported.marks.committed.turn));
        copy.healthy();
    }
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
}

fn small_backup(dir: &std::path::Path) -> std::path::PathBuf {
    let mut running = Running::open(config(&dir.join("store"))).unwrap();
    running.write(vec![
        Op::put(ROOM, *b"a", "one"),
        Op::put(ITEM, *b"long", noise(1, 10_000)),
        Op::delete(ITEM, *b"never there"),
    ]);
    let file = dir.join("file.backup");
    running.store.backup(&file).unwrap();
    file
}

#[test]
fn any_change_to_a_backup_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = small_backup(dir.path());
    let whole = fs::read(&file).unwrap();
    let bad = dir.path().join("bad.backup");
    let target = config(&dir.path().join("target"));
    let random = noise(3, 4_000);
    for (round, bytes) in random.chunks_exact(4).enumerate() {
        let mut content = whole.clone();
        let at = (usize::from(bytes[0]) << 8 | usize::from(bytes[1])) % content.len();
        match round % 3 {
            0 => content.truncate(at),
            1 => content[at] ^= bytes[2] | 1,
            _ => content.extend_from_slice(&bytes[2..]),
        }
        fs::write(&bad, &content).unwrap();
        let error = check_backup(&bad).unwrap_err();
        assert!(matches!(error, FileError::Damaged { .. }), "round {round}: {error:?}");
        assert!(restore(&bad, &target, true).is_err());
    }
    for at in 0..64 {
        fs::write(&bad, &whole[..at]).unwrap();
        assert!(check_backup(&bad).is_err(), "cut at {at}");
    }
    // Nothing was made of them.
    assert!(!target.path.exists());
}

#[test]
fn a_restore_never_touches_data_unless_forced() {
    let dir = tempfile::tempdir().unwrap();
    let file = small_backup(dir.path());
    let target = config(&dir.path().join("target"));
    let mut running = Running::open(target.clone()).unwrap();
    running.write(vec![Op::put(LAST, *b"mine", "precious")]);
    let before = content(&running.store.reader());
    assert!(matches!(restore(&file, &target, true), Err(FileError::Open(_))), "it is in use");
    running.store.close();
    assert!(matches!(restore(&file, &target, false), Err(FileError::NotEmpty { .. })));
    let running = Running::open(target.clone()).unwrap();
    assert_eq!(content(&running.store.reader()), before);
    running.store.close();
    restore(&file, &target, true).unwrap();
    let running = Running::open(target.clone()).unwrap();
    assert_eq!(content(&running.store.reader()).len(), 2);
    running.healthy();
    running.store.close();
    // Even what cannot be read is data.
    fs::write(target.path.join("current"), "nonsense").unwrap();
    assert!(matches!(restore(&file, &target, false), Err(FileError::NotEmpty { .. })));
    restore(&file, &target, true).unwrap();
    Running::open(target).unwrap().healthy();
}

#[test]
fn a_backup_of_another_component_or_a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let file = small_backup(dir.path());
    let with = |schema: Schema| Config::new(dir.path().join("target"), schema);
    let other = with(Schema { component: "annex-other", ..schema() });
    assert!(matches!(restore(&file, &other, true), Err(FileError::Foreign { .. })));
    let older = with(Schema { version: 0, ..schema() });
    assert!(matches!(restore(&file, &older, true), Err(FileError::Newer { .. })));
}

#[test]
fn a_backup_that_cannot_be_written_leaves_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let file = small_backup(dir.path());
    let whole = fs::read(&file).unwrap();
    let running = Running::open(config(&dir.path().join("store"))).unwrap();
    assert!(running.store.backup(&dir.path().join("no/such/place")).is_err());
    // The partial file cannot be made: its name is taken by a directory.
    fs::create_dir(dir.path().join("file.backup.partial")).unwrap();
    assert!(running.store.backup(&file).is_err());
    assert_eq!(fs::read(&file).unwrap(), whole);
}
