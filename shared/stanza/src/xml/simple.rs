//! Start tags as they are nearly always written: ASCII, single quotes, no prefix, no namespace
//! declaration, nothing escaped. Empty elements of this kind inside a stanza are taken without the parser, which is what
//! makes a stanza of thousands of them cheap. Whatever looks any different is left to the parser.

/// Attributes of a tag at most.
const ATTRIBUTES: usize = 8;

/// A start tag.
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    /// Each with its name.
    attributes: [(&'a [u8], &'a [u8]); ATTRIBUTES],
    count: usize,
    /// It ends with `/>`.
    pub(super) is_empty: bool,
    /// Its bytes.
    pub(super) len: usize,
}

impl<'a> Tag<'a> {
    /// Reads the tag that begins here, if it is one of this kind and all there.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        if *bytes.first()? != b'<' {
            return None;
        }
        let (name, mut at) = name(bytes, 1)?;
        let name = str::from_utf8(name).ok()?;
        let attributes: [(&[u8], &[u8]); ATTRIBUTES] = [(&[], &[]); ATTRIBUTES];
        let mut tag = Self { name, attributes, count: 0, is_empty: false, len: 0 };
        loop {
            let before = at;
            while *bytes.get(at)? == b' ' {
                at += 1;
            }
            match bytes[at] {
                b'>' => break,
                b'/' if *bytes.get(at + 1)? == b'>' => {
                    tag.is_empty = true;
                    at += 1;
                    break;
                }
                _ if at == before || tag.count == ATTRIBUTES => return None,
                _ => {}
            }
            let (name, equals) = self::name(bytes, at)?;
            let after = value(bytes, equals)?;
            tag.insert(name, &bytes[at..after])?;
            at = after;
        }
        tag.len = at + 1;
        Some(tag)
    }

    /// Puts an attribute where the parser would: they are ordered by name. None if it is there.
    fn insert(&mut self, name: &'a [u8], attribute: &'a [u8]) -> Option<()> {
        let mut at = self.count;
        while at > 0 && self.attributes[at - 1].0 >= name {
            if self.attributes[at - 1].0 == name {
                return None;
            }
            self.attributes[at] = self.attributes[at - 1];
            at -= 1;
        }
        self.attributes[at] = (name, attribute);
        self.count += 1;
        Some(())
    }

    /// `name='value'` each, ordered by name; nothing in them needs escaping.
    pub(super) fn attributes(&self) -> impl Iterator<Item = &'a [u8]> {
        self.attributes[..self.count].iter().map(|(_, attribute)| *attribute)
    }
}

/// Bytes of a name without a prefix.
const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let is_in = matches!(byte as u8, b'_' | b'-' | b'.');
        table[byte] = (byte as u8).is_ascii_alphanumeric() || is_in;
        byte += 1;
    }
    table
};

/// Bytes of a value that stay as they are.
const VALUE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = b' ';
    while byte <= b'~' {
        table[byte as usize] = !matches!(byte, b'<' | b'>' | b'&' | b'\'' | b'"');
        byte += 1;
    }
    table
};

/// The first place from `start` on whose byte is not in the table.
#[inline]
fn end(bytes: &[u8], start: usize, table: &[bool; 256]) -> Option<usize> {
    let length = bytes.get(start..)?.iter().position(|byte| !table[usize::from(*byte)])?;
    Some(start + length)
}

/// A name that means nothing to XML itself, and what is behind it.
#[inline]
fn name(bytes: &[u8], start: usize) -> Option<(&[u8], usize)> {
    let end = end(bytes, start, &NAME)?;
    let name = &bytes[start..end];
    let starts = matches!(name.first()?, b'a'..=b'z' | b'A'..=b'Z' | b'_');
    let reserved = name.len() >= 3 && name[..3].eq_ignore_ascii_case(b"xml");
    (starts && !reserved).then_some((name, end))
}

/// What is behind `='…'`.
#[inline]
fn value(bytes: &[u8], at: usize) -> Option<usize> {
    let opened = bytes.get(at..at + 2)? == b"='";
    let end = end(bytes, at + 2, &VALUE)?;
    (opened && bytes[end] == b'\'').then_some(end + 1)
}
