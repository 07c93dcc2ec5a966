//! Start tags as they are nearly always written: ASCII, no prefix, no namespace declaration, nothing
//! escaped. Empty elements of this kind inside a stanza are taken without the parser, which is what
//! makes a stanza of thousands of them cheap. Whatever looks any different is left to the parser.

/// Attributes of a tag at most.
const ATTRIBUTES: usize = 8;

/// A start tag.
pub(super) struct Tag<'a> {
    pub(super) name: &'a str,
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
            let (name, after) = self::name(bytes, at)?;
            let (value, after) = value(bytes, after)?;
            tag.insert(name, value)?;
            at = after;
        }
        tag.len = at + 1;
        Some(tag)
    }

    /// Puts an attribute where the parser would: they are ordered by name. None if it is there.
    fn insert(&mut self, name: &'a [u8], value: &'a [u8]) -> Option<()> {
        let mut at = self.count;
        while at > 0 && self.attributes[at - 1].0 >= name {
            if self.attributes[at - 1].0 == name {
                return None;
            }
            self.attributes[at] = self.attributes[at - 1];
            at -= 1;
        }
        self.attributes[at] = (name, value);
        self.count += 1;
        Some(())
    }

    /// Names and values, which need no escaping, in order.
    pub(super) fn attributes(&self) -> &[(&'a [u8], &'a [u8])] {
        &self.attributes[..self.count]
    }
}

/// A name without a prefix that means nothing to XML itself, and what is behind it.
fn name(bytes: &[u8], start: usize) -> Option<(&[u8], usize)> {
    let is_in = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let length = bytes[start..].iter().position(|byte| !is_in(byte))?;
    let name = &bytes[start..start + length];
    let starts = matches!(name.first()?, b'a'..=b'z' | b'A'..=b'Z' | b'_');
    let reserved = name.len() >= 3 && name[..3].eq_ignore_ascii_case(b"xml");
    (starts && !reserved).then_some((name, start + length))
}

/// `='…'`, and what is behind it.
fn value(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let [b'=', quote @ (b'\'' | b'"'), rest @ ..] = bytes.get(at..)? else { return None };
    let is_plain = |byte: &u8| {
        matches!(byte, b' '..=b'~') && !matches!(byte, b'<' | b'>' | b'&' | b'\'' | b'"')
    };
    let length = rest.iter().position(|byte| !is_plain(byte))?;
    (rest[length] == *quote).then_some((&rest[..length], at + 3 + length))
}
