//! Writes N records (10 million), deletes nine of ten, and closes the store: its files are within twice
//! the live data.
//!
//! `cargo run --release -p annex-store --example space [N] [LENGTH] [DIRECTORY] [now]`, where values
//! have LENGTH bytes (100), and `now` closes it at once; exit code 1 if the files are larger. Below
//! some MiB of live data they are: segments have half a MiB.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use annex_service::store::{Op, Table};
use annex_store::{Commit, Config, Schema, Store, files};

const TABLE: Table = Table::new(40, "bench");
/// Operations of a commit, and commits that may be in flight.
const OPS: u64 = 1_000;
const FLIGHT: usize = 8;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let records: u64 = args.next().map_or(10_000_000, |n| n.parse().unwrap());
    let length: usize = args.next().map_or(100, |n| n.parse().unwrap());
    let home = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let rest = args.next().is_none_or(|word| word != "now");
    let dir = tempfile::tempdir_in(home).unwrap();
    let schema =
        Schema { component: "bench", version: 1, tables: vec![TABLE], migrations: Vec::new() };
    let (sink, reports) = mpsc::channel();
    let sink = Box::new(move |done| drop(sink.send(done)));
    let config = Config::new(dir.path(), schema);
    let store = Store::open(config.clone(), sink).unwrap();

    let start = Instant::now();
    let report = |what: &str| {
        let inspect = store.inspect();
        println!(
            "{:6.1} s  {what}: live {} MiB, files {} MiB ({:.2}), {} compactions, rss {} MiB",
            start.elapsed().as_secs_f64(),
            inspect.live_bytes >> 20,
            inspect.file_bytes >> 20,
            inspect.file_bytes as f64 / inspect.live_bytes.max(1) as f64,
            inspect.compactions,
            rss() >> 20,
        );
    };
    let mut flight = 0;
    let mut turn = 0;
    let mut commit = |ops| {
        turn += 1;
        store.commit(Commit { turn, stamp: 0, ops });
        flight += 1;
        if flight > FLIGHT {
            reports.recv().unwrap().result.unwrap();
            flight -= 1;
        }
    };
    for from in (0..records).step_by(OPS as usize) {
        let put = |n: u64| Op::put(TABLE, key(n), value(n, length));
        commit((from..(from + OPS).min(records)).map(put).collect());
        if from % (records / 10).next_multiple_of(OPS) == 0 {
            report("writing");
        }
    }
    report("written");
    for from in (0..records).step_by(OPS as usize) {
        let gone = (from..(from + OPS).min(records)).filter(|n| n % 10 != 0);
        commit(gone.map(|n| Op::delete(TABLE, key(n))).collect());
        if from % (records / 10).next_multiple_of(OPS) == 0 {
            report("deleting");
        }
    }
    report("deleted");
    // The last compaction begins within a second, and ends by itself.
    let mut quiet = 0;
    while rest && quiet < 5 {
        thread::sleep(Duration::from_millis(500));
        quiet = if store.inspect().compacting { 0 } else { quiet + 1 };
    }
    report("at rest");
    let begin = Instant::now();
    drop(store);
    let took = begin.elapsed().as_secs_f64();
    let bytes = files(dir.path());
    let store = Store::open(config, Box::new(drop)).unwrap();
    let problems = store.verify().unwrap().problems;
    let ratio = bytes as f64 / store.inspect().live_bytes as f64;
    println!("closed in {took:.1} s: {ratio:.2} times the live data; problems: {problems:?}");
    if ratio <= 2.0 && problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn key(n: u64) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&(n / 1_000).to_be_bytes());
    key[8..].copy_from_slice(&n.to_be_bytes());
    key
}

fn value(n: u64, length: usize) -> Vec<u8> {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    });
    next.take(length).collect()
}

fn rss() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) << 10
}
