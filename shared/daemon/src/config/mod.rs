//! The configuration: one file, every key defined once, every mistake told at once.
//!
//! [`definitions`] says what there is; [`load`] reads file, environment and options into values
//! that know where they came from; here these become what the runtime is started with; [`reload`]
//! says which changes a running process can take.

pub mod definitions;
mod entries;
pub mod example;
mod judge;
mod keys;
pub(crate) mod layer;
pub mod load;
pub mod mistakes;
pub mod reload;
mod shared;
pub mod show;
pub mod sources;
#[cfg(test)]
mod tests;
pub mod value;
pub mod values;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use annex_service::input::Common;
use annex_store::Durability;
use serde_json::Value;

use self::{
    judge::Judge,
    load::Loaded,
    mistakes::{ConfigError, Fault},
    sources::Sources,
};
use crate::{
    program::Program,
    runtime::{Limits, LinkConfig},
};

/// A configuration that can be run.
#[derive(Debug, Clone)]
pub struct Config {
    /// What it was made from.
    pub loaded: Loaded,
    /// The process's part.
    pub process: Process,
    /// The domains, the main one first.
    pub domains: Vec<Domain>,
    /// What is odd and not wrong.
    pub warnings: Vec<String>,
}

/// What belongs to the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// `log.level`.
    pub level: String,
    /// `log.format` is `json`.
    pub json: bool,
    /// `metrics.listen`.
    pub listen: Option<SocketAddr>,
    /// Where the admin socket may be, best first.
    pub sockets: Vec<PathBuf>,
}

/// What belongs to a domain.
#[derive(Debug, Clone)]
pub struct Domain {
    /// What the machine needs.
    pub common: Common,
    /// The component's section: every key present that has a value.
    pub section: Value,
    /// The stream.
    pub link: LinkConfig,
    /// Bounds.
    pub limits: Limits,
    /// The database.
    pub store: StorePlace,
    /// `log.trace_file`, of the main domain.
    pub trace: Option<PathBuf>,
}

/// Where and how a database is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorePlace {
    /// Its directory.
    pub path: PathBuf,
    /// When commits are reported.
    pub durability: Durability,
    /// Bytes of memory for its pages.
    pub cache: u64,
    /// Free bytes on the device below which space is low.
    pub reserve: u64,
}

impl Config {
    /// Reads and judges everything, secrets too.
    pub fn read(program: &Program, sources: &Sources) -> Result<Self, ConfigError> {
        Self::read_text(program, sources, &load::read_file(&sources.file)?)
    }

    /// The same with the file's content at hand.
    pub fn read_text(
        program: &Program,
        sources: &Sources,
        text: &str,
    ) -> Result<Self, ConfigError> {
        let (loaded, faults) = load::load_what_can_be(program, sources, text)?;
        Self::judged(program, loaded, faults)
    }

    /// Judges what was loaded.
    pub fn of(program: &Program, loaded: Loaded) -> Result<Self, ConfigError> {
        Self::judged(program, loaded, Vec::new())
    }

    /// Everything that is wrong at once, with the faults that are known already.
    fn judged(
        program: &Program,
        loaded: Loaded,
        mut faults: Vec<Fault>,
    ) -> Result<Self, ConfigError> {
        let mut judge = Judge {
            program,
            loaded: &loaded,
            faults: Vec::new(),
            warnings: loaded.warnings.clone(),
        };
        let process = judge.process();
        let main = judge.domain(&[], &loaded.main);
        let mut domains: Vec<Domain> = main.into_iter().collect();
        for (name, values) in &loaded.domains {
            domains.extend(judge.domain(&["domains".into(), name.clone()], values));
        }
        judge.distinct(&domains);
        let Judge { faults: meaning, warnings, .. } = judge;
        // A value of the wrong type was replaced by its default: that is told, and no more.
        let known: Vec<String> = faults.iter().map(|fault| fault.key.clone()).collect();
        faults.extend(meaning.into_iter().filter(|fault| !known.contains(&fault.key)));
        if faults.is_empty() {
            Ok(Self { loaded, process, domains, warnings })
        } else {
            Err(ConfigError::wrong(faults))
        }
    }
}

/// Where the admin socket of a configuration may be, best first. Known without its secrets.
pub fn sockets(loaded: &Loaded) -> Vec<PathBuf> {
    if let Some(path) = loaded.main.text("admin.socket") {
        return vec![path.into()];
    }
    let run = Path::new("/run/annex").join(layer::stem(&loaded.file)).with_extension("sock");
    let store = loaded.main.text("store.path").map(|path| Path::new(path).join("admin.sock"));
    [run].into_iter().chain(store).collect()
}
