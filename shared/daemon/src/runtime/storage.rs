//! A store together with the channel on which it reports its commits.

use annex_store::{Committed, Config, Memory, OpenError, Schema, Sink, Store};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// An open store for one runtime.
pub struct Storage {
    pub(crate) store: Store,
    pub(crate) commits: UnboundedReceiver<Committed>,
}

impl Storage {
    /// Opens the store on disk; see [`Store::open`].
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let (sink, commits) = channel();
        Ok(Self { store: Store::open(config, sink)?, commits })
    }

    /// A store in memory; see [`Store::memory`].
    pub fn memory(memory: &Memory, schema: Schema) -> Self {
        let (sink, commits) = channel();
        Self { store: Store::memory(memory, schema, sink), commits }
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Reports are few and small: what bounds them is the bound on commits in flight.
fn channel() -> (Sink, UnboundedReceiver<Committed>) {
    let (sender, commits) = unbounded_channel();
    let sink = move |committed| {
        // Nobody listens any more when the runtime has ended.
        let _ = sender.send(committed);
    };
    (Box::new(sink), commits)
}
