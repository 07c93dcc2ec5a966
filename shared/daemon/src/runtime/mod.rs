//! One domain at work: its stream, its turns, its output.
//!
//! ```ignore
//! let storage = Storage::open(config)?;
//! let (control, commands) = tokio::sync::mpsc::channel(64);
//! let report = Arc::new(Report::default());
//! runtime::run(machine, storage, settings, commands, report).await?;
//! ```
//!
//! Everything happens in the one task that polls [`run`]; only the store has threads of its own.

mod calls;
mod clock;
mod confirm;
mod control;
mod core;
mod flight;
mod frames;
mod gate;
mod inbox;
mod lanes;
mod meter;
mod online;
mod orders;
mod pressure;
mod report;
mod requests;
mod reserve;
mod settings;
mod space;
mod storage;
mod stream;
mod timers;
pub mod trace;
mod turns;

pub(crate) use calls::process;
pub use clock::{Clock, Surroundings, SystemClock, VirtualClock};
pub use control::{Control, ProcessOrder, Published, RunError};
pub use report::{Link, Numbers, Report, Status};
pub use settings::{DomainSettings, Limits, LinkConfig, Server, Space, Timeouts};
pub use storage::Storage;

use std::sync::Arc;

use annex_service::machine::Machine;
use tokio::sync::mpsc;

/// Runs one domain until it is told to stop, or its store fails. A server that is away is no reason
/// to end: it is tried again.
pub async fn run<M: Machine>(
    machine: M,
    storage: Storage,
    settings: DomainSettings,
    control: mpsc::Receiver<Control>,
    report: Arc<Report>,
) -> Result<(), RunError> {
    run_with(machine, storage, settings, control, report, Surroundings::default()).await
}

/// The same in other surroundings.
pub async fn run_with<M: Machine>(
    machine: M,
    storage: Storage,
    settings: DomainSettings,
    control: mpsc::Receiver<Control>,
    report: Arc<Report>,
    surroundings: Surroundings,
) -> Result<(), RunError> {
    core::Core::new(machine, storage, settings, report, surroundings)?.run(control).await
}
