//! Durable commits a second, with 1, 8 and 64 writers that each wait for their own.
//!
//! `cargo run --release -p annex-store --example commits [SECONDS] [DIRECTORY]`
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use annex_service::store::{Op, Table};
use annex_store::{Commit, Config, Durability, Schema, Store};

const TABLE: Table = Table::new(40, "bench");

fn main() {
    let mut args = std::env::args().skip(1);
    let seconds = args.next().map_or(3, |seconds| seconds.parse().unwrap());
    let home = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    for durability in [Durability::Full, Durability::Relaxed] {
        for writers in [1, 8, 64] {
            run(&home, durability, writers, Duration::from_secs(seconds));
        }
    }
}

fn run(home: &std::path::Path, durability: Durability, writers: u64, time: Duration) {
    let dir = tempfile::tempdir_in(home).unwrap();
    let schema =
        Schema { component: "bench", version: 1, tables: vec![TABLE], migrations: Vec::new() };
    // The turn says whose commit it was.
    let (wake, wait): (Vec<_>, Vec<_>) = (0..writers).map(|_| mpsc::channel()).unzip();
    let sink = Box::new(move |done: annex_store::Committed| {
        done.result.unwrap();
        let _ = wake[usize::try_from(done.turn % writers).unwrap()].send(());
    });
    let config = Config { durability, ..Config::new(dir.path(), schema) };
    let store = Store::open(config, sink).unwrap();
    let turn = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let threads: Vec<_> = (0..writers)
        .zip(wait)
        .map(|(writer, wait)| {
            let (store, turn) = (store.clone(), turn.clone());
            thread::spawn(move || {
                let mut latencies = Vec::new();
                while start.elapsed() < time {
                    let number = turn.fetch_add(1, Ordering::Relaxed);
                    let op = Op::put(TABLE, number.to_be_bytes(), vec![7; 100]);
                    let begin = Instant::now();
                    store.commit(Commit {
                        turn: number * writers + writer,
                        stamp: 0,
                        ops: vec![op],
                    });
                    wait.recv().unwrap();
                    latencies.push(begin.elapsed());
                }
                latencies
            })
        })
        .collect();
    let mut latencies: Vec<_> =
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let took = start.elapsed();
    latencies.sort_unstable();
    let count = latencies.len();
    let inspect = store.inspect();
    println!(
        "{durability:?}, {writers:2} writers: {:8.0} commits/s, {:6.1} to a group, p50 {:?}, p99 {:?}",
        count as f64 / took.as_secs_f64(),
        count as f64 / inspect.groups as f64,
        latencies[count / 2],
        latencies[count * 99 / 100],
    );
}
