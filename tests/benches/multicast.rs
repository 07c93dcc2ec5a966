//! How fast one message reaches 10,000 addresses, beside what the socket allows and what ejabberd's
//! own service does.
//!
//! Plays the server's side of XEP-0114 for a process of `annex-multicast` over TCP loopback, sends
//! messages with so many addresses, and reports copies a second and CPU for each copy: blind copies,
//! which have nothing but their own entry, and copies that have a header and their own entry in it.
//! Beside each, in the same run, the floor: a process that answers each message with the same bytes,
//! prepared. `tests/benches/multicast/run` starts an ejabberd with `mod_multicast` and has it
//! measured beside them, with the same messages.
//!
//! ```text
//! cargo build --release -p annex && cargo bench -p annex --bench multicast
//! cargo bench -p annex --bench multicast -- --addresses 1000 --seconds 1
//! ```

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for developers")]

#[path = "multicast/ejabberd.rs"]
mod ejabberd;
#[path = "fanout/floor.rs"]
mod floor;
#[path = "fanout/link.rs"]
#[allow(dead_code, reason = "how a reader acknowledges is the other bench's business")]
mod link;
#[path = "multicast/message.rs"]
mod message;
#[path = "fanout/process.rs"]
mod process;

use std::{
    net::TcpListener,
    process::ExitCode,
    time::{Duration, Instant},
};

use ejabberd::Ejabberd;
use link::Link;
use message::Message;
use process::Process;

/// The component's address.
const SERVICE: &str = "multicast.bench";

/// Messages in flight.
const WINDOW: usize = 2;

/// They take turns so often: another load on the machine is then everybody's.
const ROUNDS: usize = 6;

/// What was measured of one process with one kind of message.
#[derive(Default)]
struct Measured {
    copies: usize,
    time: Duration,
    cpu: Duration,
}

impl Measured {
    /// Copies a second.
    fn rate(&self) -> f64 {
        self.copies as f64 / self.time.as_secs_f64()
    }

    /// CPU of the process for each copy, in µs.
    fn cpu(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.copies as f64
    }
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
    let count: usize = option("--addresses").map_or(10_000, |text| text.parse().expect("a number"));
    let seconds: f64 = option("--seconds").map_or(3.0, |text| text.parse().expect("seconds"));
    let mut ejabberd = option("--ejabberd").map(|where_| Ejabberd::attach(&where_));
    println!(
        "{count} addresses       | copies/s (floor)        ratio | cpu µs (floor) | ejabberd copies/s, cpu µs"
    );
    let mut good = true;
    for (name, shown, cpu) in [("blind copies", 0, 0.5), ("with a header", 10, 2.0)] {
        let mut message = Message::new(count, shown, SERVICE, "load.bench");
        let (mut link, process) = component();
        let last = message.last.clone();
        let copies = link.copies(message.bytes(0), last.as_bytes());
        let (mut plain, floor) = plain(&copies);
        let (mut ours, mut least) = (Measured::default(), Measured::default());
        let mut theirs = Measured::default();
        for _ in 0..ROUNDS {
            let seconds = seconds / ROUNDS as f64;
            measure(&mut link, || process.cpu(), &mut message, seconds, &mut ours);
            measure(&mut plain, || floor.cpu(), &mut message, seconds, &mut least);
            if let Some(ejabberd) = &mut ejabberd {
                ejabberd.measure(count, shown, seconds, &mut theirs);
            }
        }
        println!(
            "{name:>20} | {:>10.0} ({:>10.0}) {:>5.2} | {:>6.3} ({:>5.3}) | {}",
            ours.rate(),
            least.rate(),
            ours.rate() / least.rate(),
            ours.cpu(),
            least.cpu(),
            match theirs.copies {
                0 => "not measured".to_owned(),
                _ => format!("{:.0}, {:.3}", theirs.rate(), theirs.cpu()),
            },
        );
        for (what, met) in [
            ("at least half of the floor".to_owned(), ours.rate() >= 0.5 * least.rate()),
            (format!("{cpu} µs or less for each copy"), ours.cpu() <= cpu),
        ] {
            println!("        {} {what}", if met { "ok  " } else { "MISS" });
            good &= met;
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The component, attached and permitted.
fn component() -> (Link, Process) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let process = Process::component("annex-multicast", SERVICE, port, message::SETTINGS);
    let mut link = Link::handshake(listener.accept().expect("a connection").0);
    while link.read(link::PROBE) == 0 {}
    (link, process)
}

/// The floor with those copies.
fn plain(copies: &[u8]) -> (Link, Process) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let process = Process::floor(port, copies);
    (Link::new(listener.accept().expect("a connection").0), process)
}

/// Adds to `measured` what a process does in so many seconds.
fn measure(
    link: &mut Link,
    cpu: impl Fn() -> Duration,
    message: &mut Message,
    seconds: f64,
    measured: &mut Measured,
) {
    full_speed(link, message, Duration::from_millis(100));
    let before = cpu();
    let (messages, time) = full_speed(link, message, Duration::from_secs_f64(seconds));
    measured.cpu += cpu() - before;
    measured.time += time;
    measured.copies += messages * message.count;
}

/// Keeps a window of messages in flight; how many were delivered in which time.
fn full_speed(link: &mut Link, message: &mut Message, enough: Duration) -> (usize, Duration) {
    let last = message.last.clone();
    let start = Instant::now();
    let (mut sent, mut delivered) = (0, 0);
    loop {
        if start.elapsed() < enough {
            while sent < delivered + WINDOW {
                link.send(message.bytes(sent));
                sent += 1;
            }
        } else if delivered == sent {
            return (delivered, start.elapsed());
        }
        delivered += link.read(last.as_bytes());
    }
}
