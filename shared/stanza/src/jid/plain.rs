//! Addresses as most are, `local@domain` in bytes that fold to themselves: found in a text without
//! making anything, for thousands that came together and go together.

use std::{ops::Range, sync::Arc};

use super::{Jid, PART_BYTES, Parts, offset};

/// Bytes that fold to themselves, in a local part and in a domain.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = matches!(byte as u8, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        byte += 1;
    }
    table
};

/// Where such an address is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plain {
    start: u32,
    /// Bytes of the local part.
    local: u16,
    /// Bytes of the whole.
    length: u16,
}

impl Plain {
    /// This place of a text, if it is one.
    pub fn find(text: &str, place: Range<usize>) -> Option<Self> {
        let start = u32::try_from(place.start).ok()?;
        let bytes = &text.as_bytes()[place];
        let local = local(bytes)?;
        // No label of the domain is empty.
        let mut before = b'.';
        for byte in &bytes[local + 1..] {
            if !PLAIN[usize::from(*byte)] || (*byte == b'.' && before == b'.') {
                return None;
            }
            before = *byte;
        }
        let fits = bytes.len() - local - 1 <= PART_BYTES && before != b'.';
        fits.then(|| Self { start, local: offset(local), length: offset(bytes.len()) })
    }

    /// The one that begins at `start` of the same text, if it has the domain of this one; what
    /// follows it there is not looked at.
    #[inline]
    pub fn next(self, text: &str, start: usize) -> Option<Self> {
        let text = text.as_bytes();
        let place = self.place();
        let domain = &text[place.start + usize::from(self.local)..place.end];
        let rest = text.get(start..)?;
        let local = local(rest)?;
        let length = offset(local + domain.len());
        let start = u32::try_from(start).ok()?;
        let is_it = rest[local..].starts_with(domain);
        is_it.then(|| Self { start, local: offset(local), length })
    }

    /// Its place in the text.
    #[inline]
    pub fn place(self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.length)
    }

    pub(super) fn start(self) -> u32 {
        self.start
    }

    #[inline]
    pub(super) fn parts(self) -> Parts {
        Parts { start: 0, local: self.local, bare: self.length, end: self.length }
    }
}

/// Bytes of the local part at the beginning of a text; an `@` follows it.
#[inline]
fn local(text: &[u8]) -> Option<usize> {
    let at = text.iter().position(|byte| !PLAIN[usize::from(*byte)])?;
    (text[at] == b'@' && (1..=PART_BYTES).contains(&at)).then_some(at)
}

impl Jid {
    /// The address at this place of a text, which it keeps in place of one of its own.
    #[inline]
    pub fn plain(text: &Arc<str>, place: Plain) -> Self {
        let parts = place.parts();
        let text = Arc::clone(text);
        Self { text, start: place.start(), spelled: parts, folded: parts, verbatim: true }
    }

    /// The same address, with a text of its own.
    pub fn alone(&self) -> Self {
        let key = (self.local_key(), self.domain_key(), self.resource_key());
        Self::new((self.local(), self.domain(), self.resource()), key)
    }
}
