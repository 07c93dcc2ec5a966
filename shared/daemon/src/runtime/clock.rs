//! What surrounds a runtime: clocks and network. This is the one place that reads clocks.
//!
//! Both clocks follow tokio's, so a test that pauses tokio's clock moves both; a test may also let
//! the wall clock step.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use annex_service::turn::Now;
use annex_stanza::Timestamp;
use tokio::time::Instant;

use crate::link::{Dial, Network};

/// Clocks and network.
pub struct Surroundings {
    /// Where the time comes from.
    pub clock: Box<dyn Clock>,
    /// How the server is reached.
    pub dial: Box<dyn Dial>,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { clock: Box::<SystemClock>::default(), dial: Box::new(Network) }
    }
}

/// Where the time comes from.
pub trait Clock: Send {
    /// Wall clock and time since the start.
    fn now(&self) -> Now;

    /// The moment at which so much time will have passed since the start.
    fn instant(&self, since_start: Duration) -> Instant;
}

/// The system's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        let wall =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
        Now {
            wall: Timestamp(i64::try_from(wall).unwrap_or(i64::MAX)),
            since_start: self.start.elapsed(),
        }
    }

    fn instant(&self, since_start: Duration) -> Instant {
        self.start + since_start
    }
}

/// A clock for tests: tokio's, which can be paused, and a wall clock that runs with it from a
/// chosen moment and can be stepped.
#[derive(Debug, Clone)]
pub struct VirtualClock {
    start: Instant,
    wall: Arc<AtomicI64>,
}

impl VirtualClock {
    /// Starts now, at this time of the wall clock in microseconds since 1970.
    pub fn new(wall: i64) -> Self {
        Self { start: Instant::now(), wall: Arc::new(AtomicI64::new(wall)) }
    }

    /// Lets the wall clock jump by so many microseconds.
    pub fn step(&self, by: i64) {
        self.wall.fetch_add(by, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Now {
        let since_start = self.start.elapsed();
        let run = i64::try_from(since_start.as_micros()).unwrap_or(i64::MAX);
        Now { wall: Timestamp(self.wall.load(Ordering::Relaxed).saturating_add(run)), since_start }
    }

    fn instant(&self, since_start: Duration) -> Instant {
        self.start + since_start
    }
}
