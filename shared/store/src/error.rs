//! Why a store could not be opened, or a file of ours not be read, in sentences for an operator.

use std::{io, path::PathBuf};

use annex_service::store::StoreError;

/// Why a store did not open.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error(
        "the store {} is in use by another process; stop that one, or give this one a directory of its own",
        path.display()
    )]
    Locked {
        /// The store's directory.
        path: PathBuf,
    },
    /// It was written by a newer version.
    #[error(
        "the store {} has format {found}, and this program knows formats up to {supported}; run the newer version, or restore a backup made before the upgrade",
        path.display()
    )]
    Newer {
        /// The store's directory.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program knows.
        supported: u32,
    },
    /// It is so old that no migration leads from it.
    #[error(
        "the store {} has format {found}, from which this program has no migration; run an older version first",
        path.display()
    )]
    TooOld {
        /// The store's directory.
        path: PathBuf,
        /// Its format.
        found: u32,
    },
    /// It belongs to another component.
    #[error(
        "the store {} belongs to {found}, not to {expected}; check store.path",
        path.display()
    )]
    Foreign {
        /// The store's directory.
        path: PathBuf,
        /// The component that wrote it.
        found: String,
        /// The component that was to open it.
        expected: String,
    },
    /// Its files do not make sense.
    #[error(
        "the store {} is damaged ({why}); keep a copy of the directory, then restore the last backup",
        path.display()
    )]
    Damaged {
        /// The store's directory.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// There is no room on the device.
    #[error("no space left on the device of the store {} ({why}); free some and start again", path.display())]
    Full {
        /// The store's directory.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The operating system refused something.
    #[error("the store {} cannot be opened: {why}", path.display())]
    Io {
        /// The store's directory.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// A migration failed; the store is as it was before.
    #[error("the store {} could not be migrated ({what}): {why}; it was left as it was", path.display())]
    Migration {
        /// The store's directory.
        path: PathBuf,
        /// The step that failed.
        what: String,
        /// Its error.
        why: String,
    },
}

impl OpenError {
    /// True when a restart cannot help, because someone must act on the store first.
    pub fn is_permanent(&self) -> bool {
        !matches!(self, Self::Full { .. } | Self::Io { .. })
    }
}

/// Why a backup or an export could not be written, read or put in place.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FileError {
    /// The operating system refused something.
    #[error("{}: {why}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file ends too early or was changed.
    #[error("the backup {} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A line of an export that makes no sense.
    #[error("line {line}: {why}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The data are of another component.
    #[error("the data are of {found}, not of {expected}")]
    Foreign {
        /// The component that wrote them.
        found: String,
        /// The component that was to read them.
        expected: String,
    },
    /// The data have a newer format.
    #[error("the data have format {found}, and this program knows formats up to {supported}")]
    Newer {
        /// Their format.
        found: u32,
        /// The newest format that this program knows.
        supported: u32,
    },
    /// There are data already.
    #[error("the store {} has data already; nothing was changed (force replaces them)", path.display())]
    NotEmpty {
        /// The store's directory.
        path: PathBuf,
    },
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not open.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Whether an error of the system means that there is no room.
pub(crate) fn is_full(kind: io::ErrorKind) -> bool {
    // A limit on the size of files (EFBIG) is lack of space in all that matters here.
    matches!(
        kind,
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}

/// An error of the system as the store's.
pub(crate) fn from_io(what: &str, error: &io::Error) -> StoreError {
    StoreError { full: is_full(error.kind()), ..StoreError::new(what, error) }
}
