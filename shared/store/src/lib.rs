//! Durable state behind the types of `annex_service::store`: one ordered map, written in atomic
//! commits by one storage thread, read from any thread.
//!
//! Two engines stand behind [`Store`]: sled on disk, and [`Memory`] for tests and replay. The format
//! on disk and why it is so are told in `docs/storage.md`.
//!
//! A commit goes through `commit.rs`: queued, grouped with what waits beside it, applied as one sled
//! batch, flushed, synced, and reported to the sink in order. Everything that rewrites a store as a
//! whole (migration, import, restore, compaction) builds a new *generation* beside the live one and
//! then moves one pointer file: `generation.rs`, `rebuild.rs`. Everything that copies a running store
//! (backup, export, compaction) reads it through one tap: `tap.rs`.

mod backup;
mod ballast;
mod block;
mod commit;
mod compact;
mod engine;
mod error;
mod export;
mod fetch;
mod generation;
mod import;
mod inspect;
mod memory;
mod migrate;
mod open;
mod queue;
mod range;
mod reader;
mod rebuild;
mod restore;
mod schema;
mod slot;
mod space;
mod state;
mod store;
mod sum;
mod tap;
mod tighten;
mod value;
mod verify;
mod writer;

pub use backup::{BackupInfo, check_backup};
pub use engine::catches_panic;
pub use error::{FileError, OpenError};
pub use export::{Describe, Exported};
pub use generation::is_store;
pub use import::{Imported, import};
pub use inspect::{Inspect, TableUse};
pub use memory::Memory;
pub use open::backup_before;
pub use range::{Deletion, delete_within};
pub use reader::Reader;
pub use restore::restore;
pub use schema::{Commit, Committed, Config, Durability, MAX_KEY, Mark, Marks, Schema, Sink};
pub use space::{files, free_space};
pub use store::Store;
pub use verify::Verified;
