//! What the runtime of one domain is given, told and asked, and what it reports.
//!
//! The command line, the admin socket and the HTTP server know the runtime only through these
//! types: they send [`Control`] and read [`Report`].

use std::{
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use annex_service::{effect::Response, input::Common};
use annex_stanza::{Jid, Timestamp};
use bytes::Bytes;
use secrecy::SecretString;
use serde::Serialize;
use tokio::sync::{broadcast, mpsc, oneshot};

use super::trace::Tracing;

/// Everything that one domain's runtime needs to know, beside its machine and its store.
#[derive(Debug, Clone)]
pub struct DomainSettings {
    /// The stream to the server.
    pub link: LinkConfig,
    /// Bounds of memory, size and time.
    pub limits: Limits,
    /// When free space on the store's device counts as low; none where there is no device.
    pub space: Option<Space>,
    /// Where a trace of all inputs is written; none: nowhere.
    pub trace: Option<Tracing>,
    /// Where events for HTTP listeners go.
    pub publish: broadcast::Sender<Published>,
    /// Where the process around the domain takes orders; none where there is no such process.
    pub orders: Option<mpsc::Sender<ProcessOrder>>,
}

/// An order to the process around the domains.
#[derive(Debug)]
pub enum ProcessOrder {
    /// Read the configuration again.
    Reload {
        /// Told what changed, or why nothing did.
        reply: oneshot::Sender<Result<String, String>>,
    },
    /// Stop.
    Stop {
        /// It will not come back soon: occupants are told.
        last: bool,
    },
}

/// How to reach the server.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// Our own address: a bare domain.
    pub jid: Jid,
    /// Secret shared with the server.
    pub secret: SecretString,
    /// Where the server listens for components.
    pub server: Server,
    /// Domain of the server's users, asked for the server's software and pinged; none: ourselves.
    pub home: Option<Jid>,
    /// The server accepts a `from` outside our domain from us.
    pub foreign_from: bool,
    /// Times.
    pub timeouts: Timeouts,
}

/// Where the server listens for components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Server {
    /// Host name or address, and port.
    Tcp {
        /// Host name, IPv4 or IPv6 address.
        host: String,
        /// Port.
        port: u16,
    },
    /// Path of a unix socket.
    Unix(PathBuf),
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Times of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For connecting, and again for the handshake.
    pub connect: Duration,
    /// A space is sent after so much time without output.
    pub keepalive: Duration,
    /// A ping is sent after so much time without input.
    pub ping: Duration,
    /// The link is dead when nothing has come so much time after the ping.
    pub dead: Duration,
    /// A connection that held so long starts the next back-off from the beginning.
    pub stable: Duration,
    /// Output that was accepted is flushed for at most so long at shutdown.
    pub drain: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            keepalive: Duration::from_secs(60),
            ping: Duration::from_secs(60),
            dead: Duration::from_secs(30),
            stable: Duration::from_secs(60),
            drain: Duration::from_secs(5),
        }
    }
}

/// Bounds of memory, size and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// What the reader lets through.
    pub inbound: annex_stanza::Limits,
    /// Bytes of one stanza that leaves.
    pub stanza_out: usize,
    /// Bytes of stanzas that wait to be handled.
    pub inbox: usize,
    /// Bytes that waiting output may hold in memory before handling stops.
    pub outbox: usize,
    /// Bytes that waiting output would have on the wire before handling stops.
    pub backlog: usize,
    /// Bytes of refusals that may wait when both are full.
    pub reserve: usize,
    /// Bytes of commits in flight.
    pub commits: usize,
    /// A turn ends after so many bytes of input.
    pub turn_bytes: usize,
    /// A turn ends after so much work.
    pub turn_time: Duration,
    /// Outside calls under way at the same time.
    pub calls: usize,
    /// Bytes of one call's answer.
    pub call_bytes: usize,
    /// Requests and commands that wait for their answer.
    pub requests: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            inbound: annex_stanza::Limits::default(),
            stanza_out: 256 << 10,
            inbox: 32 << 20,
            outbox: 16 << 20,
            backlog: 256 << 20,
            reserve: 1 << 20,
            commits: 4 << 20,
            turn_bytes: 64 << 10,
            turn_time: Duration::from_millis(1),
            calls: 32,
            call_bytes: 1 << 20,
            requests: 1024,
        }
    }
}

/// When space is low.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Space {
    /// A directory on the device.
    pub path: PathBuf,
    /// Free bytes below which what would write is refused.
    pub reserve: u64,
}

/// An event for HTTP listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The topic: the path of a route declared as `SSE` or `WS`.
    pub topic: std::sync::Arc<str>,
    /// The event's data.
    pub event: Bytes,
}

/// What a domain's runtime can be told and asked.
#[derive(Debug)]
pub enum Control {
    /// An operator's verb, for the machine.
    Command {
        /// The verb's words.
        verb: String,
        /// Its arguments.
        arguments: serde_json::Value,
        /// Who asked.
        actor: String,
        /// For the answer.
        reply: oneshot::Sender<Response>,
    },
    /// A request over HTTP, for the machine.
    Request {
        /// Method.
        method: String,
        /// Path and query.
        path: String,
        /// Header lines, names in lower case.
        headers: Vec<(String, String)>,
        /// Body, bounded.
        body: Bytes,
        /// For the answer.
        reply: oneshot::Sender<Response>,
    },
    /// Settings that have been validated; applied between turns.
    Config {
        /// The shared part, for the machine.
        common: Box<Common>,
        /// The component's own section, for the machine.
        section: serde_json::Value,
        /// A new link, where it differs: the runtime reconnects with it.
        link: Option<Box<LinkConfig>>,
        /// New bounds, where they differ.
        limits: Option<Limits>,
    },
    /// Leaves the stream and makes a new one.
    Reconnect,
    /// Writes a consistent backup of the running store.
    Backup {
        /// The file to write; it must not exist.
        path: PathBuf,
        /// Told when it is complete.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// Asks for a snapshot.
    Status {
        /// For the snapshot.
        reply: oneshot::Sender<Status>,
    },
    /// Stops after the machine has said its farewell and output has been flushed. A second one
    /// stops at once.
    Shutdown {
        /// It will not come back soon: occupants are told.
        last: bool,
    },
}

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
    /// The link's state.
    pub fn link(&self) -> Link {
        self.lock().clone()
    }

    /// The stream is up.
    pub fn online(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
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

/// Why a runtime ended other than by being told to.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The store failed; what was not acknowledged did not happen. Outputs were discarded.
    #[error("the store failed ({0}); nothing unacknowledged was kept")]
    Store(#[from] annex_service::store::StoreError),
    /// The trace could not be written at the start.
    #[error("the trace {} cannot be written: {why}", path.display())]
    Trace {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The system gave no randomness.
    #[error("the system gives no random numbers: {0}")]
    Random(String),
}

impl RunError {
    /// Exit code: 1 where a restart helps or finds out, 4 where someone must act on the store.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Store(error) if !error.full => 4,
            _ => 1,
        }
    }
}
