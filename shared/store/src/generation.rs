//! The layout of a store's directory: a lock, numbered generations, and the pointer to the one that
//! is in force.
//!
//! ```text
//! lock          held (flock) for the life of the process
//! current       "gen-000001": replaced by rename, so it always names a whole generation
//! ballast       room for the day when the device is full
//! gen-000001/   a sled database, and in `seen` how many groups of commits it holds at least
//! ```

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::fs::{FlockOperation, flock};

use crate::{
    ballast::Ballast,
    error::{OpenError, is_full},
    space,
};

/// A torn end of sled's log looks like a crash, and is cut off without a word. This file tells the
/// difference.
const SEEN: &str = "seen";

/// A store's directory, whose lock this value holds.
pub(crate) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Creates the directory if need be, and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self, OpenError> {
        let refuse = |error: io::Error| io_error(path, &error);
        if !path.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(refuse)?;
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                sync_dir(parent).map_err(refuse)?;
            }
        }
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(refuse)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { path: path.to_owned() }),
            Err(errno) => Err(refuse(errno.into())),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The room that is kept for a full device.
    pub(crate) fn ballast(&self) -> Ballast {
        Ballast::of(&self.path)
    }

    /// Directory of a generation.
    pub(crate) fn dir(&self, number: u64) -> PathBuf {
        self.path.join(name(number))
    }

    /// The generation in force; none in a directory that holds no store yet.
    pub(crate) fn current(&self) -> Result<Option<u64>, OpenError> {
        let damaged = |why: String| OpenError::Damaged { path: self.path.clone(), why };
        match fs::read(self.path.join("current")) {
            Ok(text) => {
                let number = std::str::from_utf8(&text).ok().and_then(|text| parse(text.trim()));
                let number = number
                    .ok_or_else(|| damaged("the file `current` names no generation".into()))?;
                if !self.dir(number).join("db").is_file() {
                    return Err(damaged(format!(
                        "the file `current` names {}, which is missing",
                        name(number)
                    )));
                }
                Ok(Some(number))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(io_error(&self.path, &error)),
        }
    }

    /// All generations that lie in the directory, finished or not.
    pub(crate) fn all(&self) -> Vec<u64> {
        let Ok(entries) = fs::read_dir(&self.path) else {
            return Vec::new();
        };
        let mut all: Vec<u64> =
            entries.flatten().filter_map(|entry| parse(entry.file_name().to_str()?)).collect();
        all.sort_unstable();
        all
    }

    /// Bytes of all generations. The stores of other domains may lie beside them.
    pub(crate) fn bytes(&self) -> u64 {
        self.all().into_iter().map(|number| space::files(&self.dir(number))).sum()
    }

    /// Makes an empty directory for the next generation.
    pub(crate) fn create_next(&self) -> io::Result<u64> {
        let number = self.all().last().map_or(1, |last| last + 1);
        DirBuilder::new().mode(0o700).create(self.dir(number))?;
        sync_dir(&self.path)?;
        Ok(number)
    }

    /// From here on, `number` is in force. Its files must be on the device already.
    pub(crate) fn point_to(&self, number: u64) -> io::Result<()> {
        sync_dir(&self.dir(number))?;
        write_whole(&self.path.join("current"), format!("{}\n", name(number)).as_bytes())
    }

    /// Notes that the generation in `dir` has `groups` groups on the device. Without a flush: it may
    /// lag, or be lost, but is never ahead.
    pub(crate) fn note_seen(dir: &Path, groups: u64) {
        let file = dir.join(SEEN);
        let temp = file.with_extension("new");
        // A line that does not end was torn.
        let written =
            fs::write(&temp, format!("{groups}\n")).and_then(|()| fs::rename(&temp, &file));
        if let Err(error) = written {
            tracing::debug!(%error, "`seen` was not written");
        }
    }

    /// What [`Home::note_seen`] noted last.
    pub(crate) fn seen(dir: &Path) -> Option<u64> {
        fs::read_to_string(dir.join(SEEN)).ok()?.strip_suffix('\n')?.parse().ok()
    }

    /// Removes every generation but `keep`: older ones, and new ones that were never finished.
    pub(crate) fn remove_others(&self, keep: u64) {
        for number in self.all().into_iter().filter(|number| *number != keep) {
            self.remove(number);
        }
    }

    /// Removes the generations above `current`: nothing was ever acknowledged in them.
    pub(crate) fn remove_unfinished(&self, current: u64) {
        for number in self.all().into_iter().filter(|number| *number > current) {
            self.remove(number);
        }
    }

    /// Removes a generation that is not in force.
    pub(crate) fn remove(&self, number: u64) {
        let dir = self.dir(number);
        // An engine that has failed keeps its file open to the end of the process.
        let _ = OpenOptions::new().write(true).truncate(true).open(dir.join("db"));
        if let Err(error) = fs::remove_dir_all(dir) {
            tracing::warn!(generation = number, %error, "an old generation could not be removed");
        }
    }
}

/// Whether a store lies in `path`, or what is left of one.
pub fn is_store(path: &Path) -> bool {
    let Ok(entries) = fs::read_dir(path) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        name == "current" || name.to_str().and_then(parse).is_some()
    })
}

fn name(number: u64) -> String {
    format!("gen-{number:06}")
}

fn parse(name: &str) -> Option<u64> {
    name.strip_prefix("gen-")?.parse().ok()
}

/// An error of the system while opening.
pub(crate) fn io_error(path: &Path, error: &io::Error) -> OpenError {
    let (path, why) = (path.to_owned(), error.to_string());
    if is_full(error.kind()) { OpenError::Full { path, why } } else { OpenError::Io { path, why } }
}

/// Makes the entries of a directory durable.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Replaces a file as a whole: after a crash it has the old content or the new one. Mode 0600.
pub(crate) fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let temp = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temp)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temp, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}
