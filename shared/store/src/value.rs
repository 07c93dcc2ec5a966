//! How a value lies in the engine: short ones behind a marker, long ones cut into chunks.
//!
//! ```text
//! 0 value                            at most 4 KiB
//! 1 id:u64 length:u64 crc32:u32      the head of a longer one; the chunks lie under
//! [1] id:u64 number:u32              4 KiB each
//! ```
//!
//! Chunk ids are never used twice, so that a reader who meets a value while it is replaced finds
//! chunks missing, never chunks of another value.

use annex_service::store::StoreError;
use bytes::{Bytes, BytesMut};

use crate::engine::{Batch, Engine};

/// Table of the store's own records.
pub(crate) const META: u8 = 0;
/// Table of the chunks.
pub(crate) const CHUNK: u8 = 1;
/// First table that is not the store's own.
pub(crate) const FIRST: u8 = 2;

/// Longest value that lies in one piece, and length of a chunk.
pub(crate) const PIECE: usize = 4096;

const INLINE: u8 = 0;
const CHUNKED: u8 = 1;
const HEAD: usize = 1 + 8 + 8 + 4;

/// What a raw value says without its chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head<'a> {
    Inline(&'a [u8]),
    Chunked { id: u64, length: u64, crc: u32 },
}

impl<'a> Head<'a> {
    pub(crate) fn parse(raw: &'a [u8]) -> Result<Self, StoreError> {
        match raw.split_first() {
            Some((&INLINE, value)) => Ok(Self::Inline(value)),
            Some((&CHUNKED, _)) if raw.len() == HEAD => Ok(Self::Chunked {
                id: number(&raw[1..9]),
                length: number(&raw[9..17]),
                crc: u32::from_be_bytes([raw[17], raw[18], raw[19], raw[20]]),
            }),
            _ => Err(StoreError::damaged("read value", "a value has no valid marker")),
        }
    }

    /// Length of the value.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Inline(value) => value.len() as u64,
            Self::Chunked { length, .. } => *length,
        }
    }

    /// CRC of the value.
    pub(crate) fn crc(&self) -> u32 {
        match self {
            Self::Inline(value) => crc32fast::hash(value),
            Self::Chunked { crc, .. } => *crc,
        }
    }

    /// Number of chunk records.
    pub(crate) fn chunks(&self) -> u32 {
        match self {
            Self::Inline(_) => 0,
            Self::Chunked { length, .. } => {
                u32::try_from(length.div_ceil(PIECE as u64)).unwrap_or(u32::MAX)
            }
        }
    }

    /// Removes the chunks, in the batch that replaces the head.
    pub(crate) fn discard(&self, batch: &mut Batch) {
        if let Self::Chunked { id, .. } = self {
            for number in 0..self.chunks() {
                batch.delete(&chunk_key(*id, number));
            }
        }
    }
}

/// Puts `value` under `key`; returns its CRC. `next_chunk` is the next unused chunk id.
pub(crate) fn store(batch: &mut Batch, key: &[u8], value: &[u8], next_chunk: &mut u64) -> u32 {
    let crc = crc32fast::hash(value);
    if value.len() <= PIECE {
        let mut raw = Vec::with_capacity(1 + value.len());
        raw.push(INLINE);
        raw.extend_from_slice(value);
        batch.put(key, &raw);
        return crc;
    }
    let id = *next_chunk;
    *next_chunk += 1;
    let mut raw = Vec::with_capacity(HEAD);
    raw.push(CHUNKED);
    raw.extend_from_slice(&id.to_be_bytes());
    raw.extend_from_slice(&(value.len() as u64).to_be_bytes());
    raw.extend_from_slice(&crc.to_be_bytes());
    batch.put(key, &raw);
    for (number, piece) in (0u32..).zip(value.chunks(PIECE)) {
        batch.put(&chunk_key(id, number), piece);
    }
    crc
}

/// The value under `key`, put together.
pub(crate) fn load(engine: &Engine, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
    let Some(raw) = engine.get(key)? else {
        return Ok(None);
    };
    complete(engine, key, raw)
}

/// The value whose raw form under `key` was just read. If it is replaced meanwhile, the new one, or
/// none if it is removed.
pub(crate) fn complete(
    engine: &Engine,
    key: &[u8],
    mut raw: Bytes,
) -> Result<Option<Bytes>, StoreError> {
    loop {
        let found = match Head::parse(&raw)? {
            Head::Inline(_) => return Ok(Some(raw.slice(1..))),
            head => assemble(engine, head)?,
        };
        if let Some(value) = found {
            return Ok(Some(value));
        }
        match engine.get(key)? {
            None => return Ok(None),
            Some(again) if again == raw => {
                return Err(StoreError::damaged("read value", "a long value lacks a part"));
            }
            Some(again) => raw = again,
        }
    }
}

/// All chunks in a row, or none if one is missing.
fn assemble(engine: &Engine, head: Head<'_>) -> Result<Option<Bytes>, StoreError> {
    let Head::Chunked { id, length, crc } = head else {
        return Ok(None);
    };
    // A damaged head must not reserve memory that it only claims to need.
    let mut value = BytesMut::with_capacity(usize::try_from(length.min(1 << 20)).unwrap_or(0));
    for number in 0..head.chunks() {
        match engine.get(&chunk_key(id, number))? {
            Some(piece) => value.extend_from_slice(&piece),
            None => return Ok(None),
        }
    }
    if value.len() as u64 != length || crc32fast::hash(&value) != crc {
        return Err(StoreError::damaged("read value", "a long value has a wrong checksum"));
    }
    Ok(Some(value.freeze()))
}

pub(crate) fn chunk_key(id: u64, number: u32) -> [u8; 13] {
    let mut key = [0; 13];
    key[0] = CHUNK;
    key[1..9].copy_from_slice(&id.to_be_bytes());
    key[9..].copy_from_slice(&number.to_be_bytes());
    key
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
