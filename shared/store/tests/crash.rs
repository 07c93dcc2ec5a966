//! A process that is killed while many threads write, over and over: nothing acknowledged is lost,
//! no commit is torn.
//!
//! `ANNEX_CRASH_ROUNDS` sets the number of rounds (8).
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod common;

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use annex_service::store::{Op, Read as _};
use annex_store::{Commit, Store};
use common::{ITEM, LAST, ROOM, Running, config, content, noise};

const CHILD: &str = "ANNEX_CRASH_CHILD";

/// The writes of a turn: the same number in three tables, one of them long, and the turn before last
/// removed from one.
fn ops(turn: u64) -> Vec<Op> {
    let length = if turn.is_multiple_of(7) { 20_000 } else { 60 };
    let mut ops = vec![
        Op::put(ROOM, turn.to_be_bytes(), noise(turn, length)),
        Op::put(ITEM, turn.to_be_bytes(), noise(turn, 30)),
        Op::put(LAST, *b"turn", turn.to_be_bytes().to_vec()),
    ];
    if turn > 2 {
        ops.push(Op::delete(LAST, (turn - 2).to_be_bytes()));
    }
    ops.push(Op::put(LAST, turn.to_be_bytes(), "x"));
    ops
}

/// Not a test of its own: the process that is killed.
#[test]
fn child() {
    let Ok(path) = std::env::var(CHILD) else { return };
    // Each writer waits for the report of its own commit.
    let waiting: Arc<Mutex<std::collections::BTreeMap<u64, mpsc::Sender<()>>>> = Arc::default();
    let reported = waiting.clone();
    let store = Store::open(
        config(Path::new(&path)),
        Box::new(move |done| {
            done.result.unwrap();
            let mut out = std::io::stdout().lock();
            writeln!(out, "ack {}", done.turn).unwrap();
            out.flush().unwrap();
            if let Some(writer) = reported.lock().unwrap().remove(&done.turn) {
                let _ = writer.send(());
            }
        }),
    )
    .unwrap();
    let turn = Arc::new(Mutex::new(store.marks().committed.turn));
    for _ in 0..16 {
        let (store, turn, waiting) = (store.clone(), turn.clone(), waiting.clone());
        thread::spawn(move || {
            loop {
                let (sender, report) = mpsc::channel();
                let mut turn = turn.lock().unwrap();
                *turn += 1;
                waiting.lock().unwrap().insert(*turn, sender);
                store.commit(Commit { turn: *turn, stamp: *turn, ops: ops(*turn) });
                drop(turn);
                report.recv().unwrap();
            }
        });
    }
    // Generations change and backups are written meanwhile.
    let file = Path::new(&path).join("copy.backup");
    loop {
        store.compact().unwrap();
        store.backup(&file).unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let rounds: u64 =
        std::env::var("ANNEX_CRASH_ROUNDS").map_or(8, |rounds| rounds.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = 0;
    for round in 0..rounds {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(CHILD, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Some die early, most in full work.
        let enough = 1 + noise(round, 1)[0] as usize * (round as usize % 5) * 8;
        let mut acks = 0;
        for line in &mut lines {
            let line = line.unwrap();
            let Some(turn) = line.strip_prefix("ack ") else { continue };
            acknowledged = turn.parse().unwrap();
            acks += 1;
            if acks == enough {
                child.kill().unwrap();
            }
        }
        assert!(acks >= enough, "round {round}: the child ended by itself after {acks}");
        child.wait().unwrap();

        let running = Running::open(config(dir.path())).unwrap();
        running.healthy();
        let last = running.store.marks().committed.turn;
        assert!(
            last >= acknowledged,
            "round {round}: {acknowledged} was acknowledged, {last} left"
        );
        let reader = running.store.reader();
        for turn in 1..=last {
            for op in ops(turn).iter().filter(|op| op.table() != LAST) {
                let value = reader.get(op.table(), op.key()).unwrap();
                assert_eq!(value.as_ref(), op.value(), "round {round}, turn {turn} of {last}");
            }
        }
        let expected = 2 * last + 1 + last.min(2);
        assert_eq!(content(&reader).len() as u64, expected, "round {round}: torn");
    }
}
