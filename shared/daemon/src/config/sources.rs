//! Where a configuration is read from.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Where a configuration is read from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The file.
    pub file: PathBuf,
    /// The environment, `ANNEX_…` and `CREDENTIALS_DIRECTORY`.
    pub environment: BTreeMap<String, OsString>,
    /// Keys given on the command line.
    pub overrides: Vec<(&'static str, String)>,
}

impl Sources {
    /// This file, and this process's environment.
    pub fn of_process(file: &Path, overrides: Vec<(&'static str, String)>) -> Self {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let ours = name.starts_with("ANNEX_") || name == "CREDENTIALS_DIRECTORY";
            ours.then_some((name, value))
        });
        Self { file: file.to_owned(), environment: environment.collect(), overrides }
    }
}
