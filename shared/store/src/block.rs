//! The file of a backup: blocks with a length, a kind and a checksum each.
//!
//! ```text
//! "ANNEXBK1"
//! length:u32 kind:u8 crc32:u32 content      the CRC covers kind and content; little-endian
//! ```
//!
//! The first block (1) says whose data these are, the last (3) how the result must add up; between
//! them (2) come records, to be applied in order: `flag:u8 key length:u16 key`, and for a value
//! (flag 1) `length:u32 value`. Keys are whole keys, with the table's byte.

use std::io::{self, Read, Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    schema::{Mark, Marks},
    state::{Owner, State, Total, Totals},
    tap::Entry,
};

const MAGIC: &[u8; 8] = b"ANNEXBK1";
const HEADER: u8 = 1;
const RECORDS: u8 = 2;
const TRAILER: u8 = 3;

/// Content of a block of records, give or take its last record.
const FULL: usize = 64 * 1024;
/// Longest block that is believed: a record may be long, but not as long as memory.
const LONGEST: u32 = 1 << 30;

/// The last block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trailer {
    committed: (u64, u64),
    confirmed: (u64, u64),
    totals: Vec<(u8, Total)>,
    /// Entries in all blocks of records.
    pub(crate) entries: u64,
}

impl Trailer {
    fn new(state: &State, entries: u64) -> Self {
        let Marks { committed, confirmed } = state.marks;
        Self {
            committed: (committed.turn, committed.stamp),
            confirmed: (confirmed.turn, confirmed.stamp),
            totals: state.totals.iter().map(|(table, total)| (*table, *total)).collect(),
            entries,
        }
    }

    pub(crate) fn marks(&self) -> Marks {
        let mark = |(turn, stamp)| Mark { turn, stamp };
        Marks { committed: mark(self.committed), confirmed: mark(self.confirmed) }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.totals.iter().copied().collect()
    }
}

/// Writes a backup.
pub(crate) struct BlockWriter<W> {
    out: W,
    block: Vec<u8>,
    entries: u64,
}

impl<W: Write> BlockWriter<W> {
    pub(crate) fn new(mut out: W, owner: &Owner) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        let mut writer = Self { out, block: Vec::new(), entries: 0 };
        writer.block(HEADER, &owner.encode())?;
        Ok(writer)
    }

    pub(crate) fn entry(&mut self, (key, value): &Entry) -> io::Result<()> {
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "a record is too long");
        self.block.push(u8::from(value.is_some()));
        self.block.extend_from_slice(&u16::try_from(key.len()).map_err(too_long)?.to_le_bytes());
        self.block.extend_from_slice(key);
        if let Some(value) = value {
            self.block
                .extend_from_slice(&u32::try_from(value.len()).map_err(too_long)?.to_le_bytes());
            self.block.extend_from_slice(value);
        }
        self.entries += 1;
        if self.block.len() >= FULL { self.records() } else { Ok(()) }
    }

    pub(crate) fn finish(mut self, state: &State) -> io::Result<W> {
        self.records()?;
        let trailer = serde_json::to_vec(&Trailer::new(state, self.entries))?;
        self.block(TRAILER, &trailer)?;
        Ok(self.out)
    }

    fn records(&mut self) -> io::Result<()> {
        if self.block.is_empty() {
            return Ok(());
        }
        let mut block = std::mem::take(&mut self.block);
        self.block(RECORDS, &block)?;
        block.clear();
        self.block = block;
        Ok(())
    }

    fn block(&mut self, kind: u8, content: &[u8]) -> io::Result<()> {
        let length = u32::try_from(content.len()).ok().filter(|length| *length <= LONGEST);
        let length = length
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a block is too long"))?;
        self.out.write_all(&length.to_le_bytes())?;
        self.out.write_all(&[kind])?;
        self.out.write_all(&checksum(kind, content).to_le_bytes())?;
        self.out.write_all(content)
    }
}

fn checksum(kind: u8, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[kind]);
    hasher.update(content);
    hasher.finalize()
}

/// Why a backup cannot be read.
pub(crate) type Why = String;

/// Reads a backup: its owner, then the entries block by block, then its trailer.
pub(crate) struct BlockReader<R> {
    input: R,
    owner: Owner,
    entries: u64,
    blocks: u64,
    trailer: Option<Trailer>,
}

impl<R: Read> BlockReader<R> {
    pub(crate) fn new(mut input: R) -> Result<Self, Why> {
        let mut magic = [0; 8];
        input.read_exact(&mut magic).map_err(|_| "it is not a backup of Annex".to_owned())?;
        if &magic != MAGIC {
            return Err("it is not a backup of Annex".into());
        }
        let (kind, content) = block(&mut input, 0)?;
        if kind != HEADER {
            return Err("the header is missing".into());
        }
        let owner = Owner::decode(&content).map_err(|error| format!("the header: {error}"))?;
        Ok(Self { input, owner, entries: 0, blocks: 1, trailer: None })
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The entries of the next block; none at the end, which has then been checked.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<Entry>>, Why> {
        if self.trailer.is_some() {
            return Ok(None);
        }
        let (kind, content) = block(&mut self.input, self.blocks)?;
        self.blocks += 1;
        match kind {
            RECORDS => {
                let entries = parse(Bytes::from(content))
                    .ok_or_else(|| format!("block {}: its records make no sense", self.blocks))?;
                self.entries += entries.len() as u64;
                Ok(Some(entries))
            }
            TRAILER => {
                let trailer: Trailer = serde_json::from_slice(&content)
                    .map_err(|error| format!("the trailer: {error}"))?;
                if trailer.entries != self.entries {
                    return Err(format!(
                        "{} records were expected, {} are there",
                        trailer.entries, self.entries
                    ));
                }
                let mut more = [0];
                if !matches!(self.input.read(&mut more), Ok(0)) {
                    return Err("something follows the trailer".into());
                }
                self.trailer = Some(trailer);
                Ok(None)
            }
            other => Err(format!("block {}: unknown kind {other}", self.blocks)),
        }
    }

    /// Whether what was read adds up to what the trailer says, once [`BlockReader::next`] has
    /// returned none.
    pub(crate) fn adds_up(&self, totals: &Totals) -> Result<(), Why> {
        match &self.trailer {
            Some(trailer) if trailer.totals() == *totals => Ok(()),
            _ => Err("its records do not add up: the store was damaged when it was made".into()),
        }
    }

    /// The trailer, once [`BlockReader::next`] has returned none.
    pub(crate) fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }
}

fn block(input: &mut impl Read, number: u64) -> Result<(u8, Vec<u8>), Why> {
    let at = |why: &str| format!("block {}: {why}", number + 1);
    let mut head = [0; 9];
    let truncated = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => at("the file ends too early"),
        _ => at(&error.to_string()),
    };
    input.read_exact(&mut head).map_err(truncated)?;
    let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
    let kind = head[4];
    let crc = u32::from_le_bytes([head[5], head[6], head[7], head[8]]);
    if length > LONGEST {
        return Err(at("its length makes no sense"));
    }
    // Grows with what is really there: a damaged length reserves nothing.
    let mut content = Vec::new();
    input.take(u64::from(length)).read_to_end(&mut content).map_err(truncated)?;
    if content.len() != length as usize {
        return Err(at("the file ends too early"));
    }
    if checksum(kind, &content) != crc {
        return Err(at("its checksum is wrong"));
    }
    Ok((kind, content))
}

fn parse(mut rest: Bytes) -> Option<Vec<Entry>> {
    let mut take = |length: usize| (rest.len() >= length).then(|| rest.split_to(length));
    let mut entries = Vec::new();
    while let Some(flag) = take(1) {
        let length = take(2)?;
        let key = take(usize::from(u16::from_le_bytes([length[0], length[1]])))?;
        let value = if flag[0] == 1 {
            let length = take(4)?;
            let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
            Some(take(length as usize)?)
        } else {
            None
        };
        entries.push((key.to_vec(), value));
    }
    Some(entries)
}
