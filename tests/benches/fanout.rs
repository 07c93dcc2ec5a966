//! How fast a room delivers, beside what the socket allows.
//!
//! Plays the server's side of XEP-0114 for a process of `annex-muc` over TCP loopback, joins N
//! occupants of a room without archive, sends groupchat messages, and reports deliveries a second,
//! CPU for each delivery, and the time from a message in to its last copy out. Beside it, in the
//! same run, the floor: a process that answers each message with the same bytes, prepared.
//!
//! ```text
//! cargo build --release -p annex && cargo bench -p annex --bench fanout
//! cargo bench -p annex --bench fanout -- --occupants 10,1000 --seconds 1
//! ```
//!
//! `ANNEX_MUC` names another program to measure.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

#[path = "fanout/floor.rs"]
mod floor;
#[path = "fanout/link.rs"]
mod link;
#[path = "fanout/process.rs"]
mod process;
#[path = "fanout/room.rs"]
mod room;

use std::{
    net::TcpListener,
    process::ExitCode,
    time::{Duration, Instant},
};

use link::{Acknowledge, Link};
use process::Process;

/// Messages in flight at full speed.
const WINDOW: usize = 32;

/// What was measured of one process in one room.
struct Measured {
    /// Copies a second at full speed.
    rate: f64,
    /// CPU of the process for each copy, in µs.
    cpu: f64,
    /// Time from a message in to its last copy out, one message in flight, in µs.
    prompt: Latency,
    /// The same with a reader that delays its acknowledgements.
    delayed: Latency,
}

#[derive(Clone, Copy)]
struct Latency {
    p50: f64,
    p99: f64,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|word| word == "--floor") {
        floor::run(&arguments[at + 1..]);
        return ExitCode::SUCCESS;
    }
    let option = |name: &str| {
        let at = arguments.iter().position(|word| word == name)?;
        arguments.get(at + 1).cloned()
    };
    let occupants = option("--occupants").unwrap_or_else(|| "10,100,1000,5000".into());
    let seconds: f64 = option("--seconds").map_or(3.0, |text| text.parse().expect("seconds"));
    println!(
        "room of | deliveries/s (floor)   ratio | cpu µs (floor) | w1 p50/p99 µs (floor p50) | w1 with delayed acks p50/p99"
    );
    let mut good = true;
    for count in occupants.split(',') {
        let count: usize = count.parse().expect("a number of occupants");
        let (component, copies) = component(count, seconds);
        let floor = plain(count, &copies, seconds);
        println!(
            "{count:>7} | {:>10.0} ({:>10.0}) {:>5.2} | {:>6.3} ({:>5.3}) | {:>8.0} / {:>6.0} ({:>6.0}) | {:>8.0} / {:>6.0}",
            component.rate,
            floor.rate,
            component.rate / floor.rate,
            component.cpu,
            floor.cpu,
            component.prompt.p50,
            component.prompt.p99,
            floor.prompt.p50,
            component.delayed.p50,
            component.delayed.p99,
        );
        good &= judge(count, &component, &floor);
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Compares with the targets; says each verdict.
fn judge(count: usize, component: &Measured, floor: &Measured) -> bool {
    let (share, cpu) = match count {
        10 => (1.0 / 6.0, 1.5),
        1000 => (0.5, 0.5),
        _ => return true,
    };
    let same = component.delayed.p50 <= component.prompt.p50 * 1.25 + 20.0;
    let verdicts = [
        (format!("at least {share:.2} of the floor"), component.rate >= share * floor.rate),
        (format!("{cpu} µs or less for each delivery"), component.cpu <= cpu),
        ("the same latency with delayed acknowledgements".into(), same),
    ];
    for (what, met) in &verdicts {
        println!("        {} {what}", if *met { "ok  " } else { "MISS" });
    }
    verdicts.iter().all(|(_, met)| *met)
}

/// Measures the component; also the bytes of one message's copies.
fn component(count: usize, seconds: f64) -> (Measured, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let process = Process::component("annex-muc", "rooms.bench", port, room::SETTINGS);
    let mut link = Link::handshake(listener.accept().expect("a connection").0);
    room::fill(&mut link, count);
    let copies = link.copies(&room::message(0), room::last(count).as_bytes());
    (measure(&mut link, &process, count, seconds), copies)
}

/// Measures the floor with those copies.
fn plain(count: usize, copies: &[u8], seconds: f64) -> Measured {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let process = Process::floor(port, copies);
    let mut link = Link::new(listener.accept().expect("a connection").0);
    measure(&mut link, &process, count, seconds)
}

fn measure(link: &mut Link, process: &Process, count: usize, seconds: f64) -> Measured {
    let last = room::last(count);
    let enough = Duration::from_secs_f64(seconds / 3.0);
    // Warm up.
    full_speed(link, last.as_bytes(), Duration::from_millis(200));
    link.acknowledge = Acknowledge::AtOnce;
    let prompt = one_in_flight(link, last.as_bytes(), enough);
    link.acknowledge = Acknowledge::Late;
    let delayed = one_in_flight(link, last.as_bytes(), enough);
    link.acknowledge = Acknowledge::AsItComes;
    let before = process.cpu();
    let (messages, time) = full_speed(link, last.as_bytes(), Duration::from_secs_f64(seconds));
    let cpu = process.cpu() - before;
    let copies = (messages * count) as f64;
    Measured {
        rate: copies / time.as_secs_f64(),
        cpu: cpu.as_secs_f64() * 1e6 / copies,
        prompt,
        delayed,
    }
}

/// Keeps a window of messages in flight; how many were delivered in which time.
fn full_speed(link: &mut Link, last: &[u8], enough: Duration) -> (usize, Duration) {
    let start = Instant::now();
    let (mut sent, mut delivered) = (0, 0);
    let mut batch = Vec::new();
    loop {
        let more = start.elapsed() < enough;
        if more {
            batch.clear();
            while sent < delivered + WINDOW {
                batch.extend_from_slice(&room::message(sent));
                sent += 1;
            }
            link.send(&batch);
        } else if delivered == sent {
            return (delivered, start.elapsed());
        }
        delivered += link.read(last);
    }
}

fn one_in_flight(link: &mut Link, last: &[u8], enough: Duration) -> Latency {
    let start = Instant::now();
    let mut times = Vec::new();
    while start.elapsed() < enough || times.len() < 10 {
        let message = room::message(times.len());
        let sent = Instant::now();
        link.send(&message);
        while link.read(last) == 0 {}
        times.push(sent.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Latency { p50: at(0.5), p99: at(0.99) }
}
