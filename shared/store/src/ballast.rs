//! Room that is kept for the day when the device is full.
//!
//! sled cannot be opened without writing: each time a snapshot of where its pages lie, and up to a
//! segment where the log broke off. So a file lies beside the generations that is let go of when an
//! opening finds no room, and taken again from what remains.
//!
//! What must still be written on that day (who leaves) goes to the log. So an opening that finds
//! nearly nothing free moves a segment of the ballast to the end of the data file, where nobody else
//! can have it, as long as enough is left to open again.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::{Errno, retry_on_intr},
};

use crate::{engine::Engine, error::is_full, space::free_space, state::State};

/// What sled writes and reserves by.
const SEGMENT: u64 = 512 << 10;
/// What an opening writes beside its snapshot: the rest of the segment in which the log ended, and of
/// one that was begun.
const TORN: u64 = 2 * SEGMENT;
/// What a snapshot takes for each record: 1.7 to 7.4 bytes were measured.
const SNAPSHOT: u64 = 8;
/// Bytes of a long value that lie in a record of their own.
const CHUNK: u64 = 4 << 10;
/// What may go to the log.
const LOG: u64 = 6 * SEGMENT;
/// It is made where so many times as much is free.
const AMPLE: u64 = 2;
/// Free bytes, beside the ballast, below which the log is given a segment.
const LITTLE: u64 = 2 * SEGMENT;
/// It is not filled more exactly than this.
const GRAIN: u64 = 4 << 10;

/// What opening the store takes at most.
fn opening(state: &State) -> u64 {
    let records: u64 = state.totals.values().map(|total| total.records).sum();
    TORN + SNAPSHOT * (records + state.live() / CHUNK)
}

/// The file, whether it is there or not.
#[derive(Debug)]
pub(crate) struct Ballast(PathBuf);

impl Ballast {
    /// That of the store in `home`.
    pub(crate) fn of(home: &Path) -> Self {
        Self(home.join("ballast"))
    }

    /// Bytes that it holds.
    pub(crate) fn len(&self) -> u64 {
        self.0.metadata().map_or(0, |meta| meta.len())
    }

    /// Lets go of all but so many bytes.
    pub(crate) fn shrink(&self, to: u64) {
        if self.len() > to {
            self.noted(self.file().and_then(|file| file.set_len(to)));
        }
    }

    /// Takes what there is, up to so many bytes.
    pub(crate) fn fill(&self, to: u64) {
        if self.len() < to {
            self.noted(self.file().and_then(|file| grow(&file, to)));
        }
    }

    /// As large as the store needs it, where there is ample room.
    pub(crate) fn fit(&self, state: &State) {
        let (wanted, len) = (opening(state) + LOG, self.len());
        let distance = wanted / 8;
        if wanted > len + distance {
            if free_space(&self.0).is_ok_and(|free| free >= AMPLE * wanted) {
                self.fill(wanted);
            }
        } else if len > wanted + distance {
            self.shrink(wanted);
        }
    }

    /// After an opening, before which it held so many bytes: takes back what it can, but gives the
    /// log a segment where little is free beside it.
    pub(crate) fn settle(&self, held: u64, engine: &Engine, state: &State) {
        let (free, len) = (free_space(&self.0).unwrap_or(0), self.len());
        let rest = held.min(len.saturating_add(free));
        let little = len < held || free < LITTLE;
        if little && rest >= opening(state) + SEGMENT {
            self.shrink(rest - SEGMENT);
            // Costs nothing where the log has not used up what it was given.
            if let Err(error) = engine.extend(SEGMENT) {
                tracing::debug!(%error, "the log was given no room");
            }
        }
        self.fill(held);
    }

    fn file(&self) -> io::Result<File> {
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&self.0)
    }

    fn noted(&self, result: io::Result<()>) {
        if let Err(error) = result {
            tracing::debug!(%error, file = %self.0.display(), "the ballast is not as it should be");
        }
    }
}

/// Takes pieces as large as are free, until there is no more.
fn grow(file: &File, to: u64) -> io::Result<()> {
    let mut at = file.metadata()?.len();
    let mut piece = to.saturating_sub(at);
    while at < to && piece >= GRAIN {
        piece = piece.min(to - at);
        match allocate(file, at, piece) {
            Ok(()) => at += piece,
            Err(error) if is_full(error.kind()) => {
                file.set_len(at)?;
                piece /= 2;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn allocate(file: &File, at: u64, bytes: u64) -> io::Result<()> {
    match retry_on_intr(|| fallocate(file, FallocateFlags::empty(), at, bytes)) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => write(file, at, bytes),
        result => Ok(result?),
    }
}

/// Bytes that no file system can make smaller.
fn write(file: &File, at: u64, bytes: u64) -> io::Result<()> {
    let mut number = at | 1;
    let mut block = [0; 4096];
    let mut done = 0;
    while done < bytes {
        for eight in block.chunks_exact_mut(8) {
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            eight.copy_from_slice(&number.to_be_bytes());
        }
        let part = block.len().min(usize::try_from(bytes - done).unwrap_or(usize::MAX));
        file.write_all_at(&block[..part], at + done)?;
        done += part as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_that_cannot_reserve_is_written_to() {
        let dir = tempfile::tempdir().expect("a directory");
        let ballast = Ballast::of(dir.path());
        let file = ballast.file().expect("its file");
        write(&file, 0, 10_000).expect("written");
        assert_eq!(ballast.len(), 10_000);
        let text = std::fs::read(&ballast.0).expect("it is there");
        assert!(text.chunks(8).all(|eight| eight.iter().any(|byte| *byte != 0)));
    }
}
