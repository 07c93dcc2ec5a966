//! What the runtime of one domain reports while it runs: read from any task.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use annex_stanza::Timestamp;
use serde::Serialize;

use super::settings::Server;

/// A snapshot for `status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// The domain.
    pub jid: String,
    /// The link.
    pub link: Link,
    /// Runtime numbers, by name.
    pub numbers: Numbers,
    /// The component's own numbers.
    pub component: serde_json::Value,
}

/// State of the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Link {
    /// Whether the stream is up.
    pub online: bool,
    /// Since when it is as it is, in microseconds since 1970.
    pub since: i64,
    /// Where to.
    pub server: String,
    /// Name and version of the server's software, once it has said so.
    pub software: Option<String>,
    /// Why the last stream ended or none came about: one sentence and what to do.
    pub error: Option<String>,
    /// What kind of failure: `not-authorized`, `refused`, …
    pub failure: Option<&'static str>,
    /// Attempts since the stream was last up.
    pub attempts: u32,
}

/// Numbers of a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Default)]
pub struct Numbers {
    /// Turns since the start.
    pub turns: u64,
    /// Stanzas read since the start.
    pub stanzas_in: u64,
    /// Stanzas written since the start.
    pub stanzas_out: u64,
    /// Bytes read since the start.
    pub bytes_in: u64,
    /// Bytes written since the start.
    pub bytes_out: u64,
    /// Bytes of stanzas that wait to be handled.
    pub inbox: u64,
    /// Bytes of memory that waiting output holds.
    pub outbox: u64,
    /// Bytes that waiting output will have on the wire.
    pub backlog: u64,
    /// Bytes of commits in flight.
    pub commits: u64,
    /// Time the oldest commit in flight has waited, or the last one took, in microseconds.
    pub commit_lag: u64,
    /// Number of the newest turn.
    pub turn: u64,
    /// Newest turn whose output the server has.
    pub confirmed: u64,
    /// Streams lost since the start.
    pub reconnects: u64,
    /// Stanzas refused or dropped because the queues were full.
    pub refused: u64,
    /// Stanzas stopped by the outbound gate.
    pub gate: u64,
    /// Outside calls under way.
    pub calls: u64,
}

macro_rules! gauges {
    ($($name:ident),* $(,)?) => {
        /// What a domain's runtime reports while it runs; read from any task.
        #[derive(Debug, Default)]
        pub struct Report {
            link: Mutex<Link>,
            ready: AtomicBool,
            space_low: AtomicBool,
            stalled: AtomicBool,
            $(pub(crate) $name: AtomicU64,)*
        }

        impl Report {
            /// The numbers as they are.
            pub fn numbers(&self) -> Numbers {
                Numbers { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

gauges!(
    turns,
    stanzas_in,
    stanzas_out,
    bytes_in,
    bytes_out,
    inbox,
    outbox,
    backlog,
    commits,
    commit_lag,
    turn,
    confirmed,
    reconnects,
    refused,
    gate,
    calls,
);

impl Report {
    /// Before the first attempt to connect.
    pub(crate) fn of(server: &Server) -> Self {
        let report = Self::default();
        report.lock().server = server.to_string();
        report
    }

    /// The link's state.
    pub fn link(&self) -> Link {
        self.lock().clone()
    }

    /// The stream is up.
    pub fn online(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// The server does not take our output: nothing is handled.
    pub fn stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stalled(&self, stalled: bool) {
        self.stalled.store(stalled, Ordering::Relaxed);
    }

    /// Free space is below the reserve.
    pub fn space_low(&self) -> bool {
        self.space_low.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_link(&self, now: Timestamp, change: impl FnOnce(&mut Link)) {
        let mut link = self.lock();
        let before = link.online;
        change(&mut link);
        if link.online != before || link.since == 0 {
            link.since = now.0;
        }
        self.ready.store(link.online, Ordering::Relaxed);
    }

    pub(crate) fn set_space_low(&self, low: bool) {
        self.space_low.store(low, Ordering::Relaxed);
    }

    pub(crate) fn add(counter: &AtomicU64, by: u64) {
        counter.fetch_add(by, Ordering::Relaxed);
    }

    pub(crate) fn set(gauge: &AtomicU64, to: usize) {
        gauge.store(to as u64, Ordering::Relaxed);
    }
}
