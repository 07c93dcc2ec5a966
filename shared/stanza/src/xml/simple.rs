//! Start tags as they are nearly always written: ASCII, single quotes, no prefix, no namespace
//! declaration, nothing escaped. Empty elements of this kind inside a stanza are taken without the
//! parser, and rows of them that differ in one value at a glance, which is what makes a stanza of
//! thousands of them cheap. Whatever looks any different is left to the parser.

/// Attributes of a tag at most.
const ATTRIBUTES: usize = 8;

/// A start tag.
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
    attributes: [Attribute<'a>; ATTRIBUTES],
    count: usize,
    /// It ends with `/>`.
    pub(super) is_empty: bool,
    /// Its bytes.
    pub(super) bytes: &'a [u8],
}

/// An attribute of a tag.
#[derive(Clone, Copy, Default)]
pub(super) struct Attribute<'a> {
    name: &'a [u8],
    /// Its place in the tag.
    at: usize,
    /// `name='value'`; nothing in it needs escaping.
    pub(super) text: &'a [u8],
}

impl<'a> Tag<'a> {
    /// Reads the tag that begins here, if it is one of this kind and all there.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        if *bytes.first()? != b'<' {
            return None;
        }
        let (name, mut at) = name(bytes, 1)?;
        let name = str::from_utf8(name).ok()?;
        let attributes = [Attribute::default(); ATTRIBUTES];
        let mut tag = Self { name, attributes, count: 0, is_empty: false, bytes };
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
            tag.insert(Attribute { name, at, text: &bytes[at..after] })?;
            at = after;
        }
        tag.bytes = &bytes[..=at];
        Some(tag)
    }

    /// Puts an attribute where the parser would: they are ordered by name. None if it is there.
    fn insert(&mut self, attribute: Attribute<'a>) -> Option<()> {
        let mut at = self.count;
        while at > 0 && self.attributes[at - 1].name >= attribute.name {
            if self.attributes[at - 1].name == attribute.name {
                return None;
            }
            self.attributes[at] = self.attributes[at - 1];
            at -= 1;
        }
        self.attributes[at] = attribute;
        self.count += 1;
        Some(())
    }

    /// Ordered by name.
    pub(super) fn attributes(&self) -> &[Attribute<'a>] {
        &self.attributes[..self.count]
    }
}

/// Empty elements that are the same in all but one value: as they come, and as they are kept.
pub(super) struct Row {
    came: Around,
    kept: Around,
}

/// What is before the value, and what is behind it, its quote first.
struct Around {
    before: Box<[u8]>,
    behind: Box<[u8]>,
}

impl Around {
    fn new(tag: &[u8], attribute: &Attribute<'_>, at: usize) -> Self {
        let value = at + attribute.name.len() + "='".len();
        let quote = at + attribute.text.len() - 1;
        Self { before: tag[..value].into(), behind: tag[quote..].into() }
    }
}

impl Row {
    /// The row that `tag` may begin, which is kept like this: its longest attribute tells its
    /// elements apart.
    pub(super) fn new(tag: &Tag<'_>, kept: &[u8]) -> Option<Self> {
        let attributes = tag.attributes();
        let (number, longest) =
            attributes.iter().enumerate().max_by_key(|(_, attribute)| attribute.text.len())?;
        // Kept, a space stands before each, and `/>` behind them all.
        let behind = attributes[number..].iter().map(|one| 1 + one.text.len()).sum::<usize>();
        let at = kept.len() - "/>".len() - behind + 1;
        let came = Around::new(tag.bytes, longest, longest.at);
        Some(Self { came, kept: Around::new(kept, longest, at) })
    }

    /// The value in the element of this row that begins here, and the element's bytes.
    #[inline]
    pub(super) fn next<'a>(&self, bytes: &'a [u8]) -> Option<(&'a [u8], usize)> {
        let rest = bytes.strip_prefix(&*self.came.before)?;
        let value = &rest[..end(rest, 0, &VALUE)?];
        let is_one = rest[value.len()..].starts_with(&self.came.behind);
        let around = self.came.before.len() + self.came.behind.len();
        is_one.then_some((value, around + value.len()))
    }

    /// Keeps the element with this value.
    #[inline]
    pub(super) fn keep(&self, value: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.kept.before);
        out.extend_from_slice(value);
        out.extend_from_slice(&self.kept.behind);
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
