//! What the runtime of one domain is given at its start.

use std::{path::PathBuf, time::Duration};

use annex_stanza::Jid;
use secrecy::SecretString;
use tokio::sync::{broadcast, mpsc};

use super::{
    control::{ProcessOrder, Published},
    trace::Tracing,
};

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
