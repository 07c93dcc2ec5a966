//! What is wrong with a configuration: everything at once, each with its place, and never a secret.

use std::{fmt, path::PathBuf};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line of the file, variable or option it came from; empty for what is missing.
    pub place: String,
    /// The key; empty for what is not about one.
    pub key: String,
    /// What was expected, what was found, what to do.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.text)
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigError {
    /// There is no such file.
    Missing(PathBuf),
    /// The file cannot be read.
    Unreadable(PathBuf, String),
    /// These things are wrong with it.
    Wrong(Vec<Fault>),
}

impl ConfigError {
    /// These faults, each once, in the order of the file's lines.
    pub(crate) fn wrong(mut faults: Vec<Fault>) -> Self {
        let line = |fault: &Fault| {
            fault.place.rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or(usize::MAX)
        };
        faults.sort_by_key(line);
        let mut seen = Vec::new();
        faults.retain(|fault| {
            // What every domain inherits has one place.
            let key = (fault.place.clone(), fault.text.clone());
            let new = !seen.contains(&key);
            seen.push(key);
            new
        });
        Self::Wrong(faults)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(file) => write!(
                f,
                "there is no configuration {}: name another with --config, or write one with init",
                file.display()
            ),
            Self::Unreadable(file, why) => {
                write!(f, "the configuration {} cannot be read: {why}", file.display())
            }
            Self::Wrong(faults) => {
                for (at, fault) in faults.iter().enumerate() {
                    if at > 0 {
                        f.write_str("\n")?;
                    }
                    fault.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigError {}

/// The known key of which this one is a slip of the pen or two.
pub(crate) fn nearly<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), candidate))
        .min()
        .filter(|(slips, _)| *slips <= 2)
        .map(|(_, candidate)| candidate)
}

/// The known word that was probably meant.
pub(crate) fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
