//! What the admin socket and the HTTP server hold of a running process: each domain's orders,
//! numbers, events and records, and the orders to the process itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use annex_service::component::HttpRoute;
use annex_store::Store;
use tokio::sync::{broadcast, mpsc};

use crate::runtime::{Control, ProcessOrder, Published, Report};

/// One domain at work.
#[derive(Clone)]
pub(crate) struct DomainHandle {
    /// Its address.
    pub(crate) jid: String,
    /// Orders to its runtime.
    pub(crate) control: mpsc::Sender<Control>,
    /// Its numbers, read at any time.
    pub(crate) report: Arc<Report>,
    /// Events for HTTP listeners.
    pub(crate) events: broadcast::Sender<Published>,
    /// Its store, for sizes.
    pub(crate) store: Store,
}

/// The whole process at work; clones share it.
#[derive(Clone)]
pub(crate) struct ProcessHandle {
    /// Program name, such as `annex-muc`.
    pub(crate) program: &'static str,
    /// Its version.
    pub(crate) version: &'static str,
    /// HTTP routes of the component.
    pub(crate) routes: &'static [HttpRoute],
    /// Its domains, the main one first.
    pub(crate) domains: Arc<[DomainHandle]>,
    /// Orders to the process.
    pub(crate) orders: mpsc::Sender<ProcessOrder>,
    /// Keys that changed and wait for a restart.
    pub(crate) restart: Pending,
}

impl ProcessHandle {
    /// The domain of that name; the main one if none is asked for.
    pub(crate) fn domain(&self, jid: Option<&str>) -> Option<&DomainHandle> {
        match jid {
            None => self.domains.first(),
            Some(jid) => self.domains.iter().find(|domain| domain.jid == jid),
        }
    }
}

/// What waits for a restart; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pending(Arc<Mutex<Vec<String>>>);

impl Pending {
    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The keys.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.lock().clone()
    }

    /// Replaces them, after a reload.
    pub(crate) fn set(&self, keys: Vec<String>) {
        *self.lock() = keys;
    }
}
