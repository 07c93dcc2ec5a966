//! What the runtime of one domain is told and asked, and what it says by itself.
//!
//! The command line, the admin socket and the HTTP server know the runtime only through these
//! types: they send [`Control`] and read [`Report`](super::Report).

use std::path::PathBuf;

use annex_service::{effect::Response, input::Common};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    report::Status,
    settings::{Limits, LinkConfig},
};

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

/// An event for HTTP listeners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The topic: the path of a route declared as `SSE` or `WS`.
    pub topic: std::sync::Arc<str>,
    /// The event's data.
    pub event: Bytes,
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
