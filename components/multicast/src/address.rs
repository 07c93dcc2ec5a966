//! The `<addresses/>` of a stanza (XEP-0033 §4), read without building a tree.
//!
//! The gate keeps what is inside a stanza in one canonical form: attributes in single quotes, no
//! `<` or `>` in values or text. So each entry is a range of those bytes, and goes out again as it
//! came, with its order, attributes and children that nobody here knows (§4.7); only `delivered`
//! is added or taken away.

use std::{borrow::Cow, ops::Range, sync::Arc};

use annex_stanza::{Jid, Payload, Plain, Refusal, Xml, ns};
use bytes::Bytes;

use crate::refusals;

/// What an entry is for (XEP-0033 §4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// `to` or `cc`: delivered to, and shown to everyone.
    Open,
    /// `bcc`: delivered to, and shown to its own addressee only.
    Blind,
    /// `replyto`: passed on.
    ReplyTo,
    /// `replyroom`, `noreply`, `ofrom`, and elements of other namespaces: passed on.
    Passed,
}

/// Why an entry cannot be delivered to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It has no type, or no address, or more than one (§4).
    Incomplete,
    /// Its type is none of §4.6.
    UnknownType,
    /// Its `jid` is not an address.
    Malformed,
    /// Our server does not take its `jid` for an address.
    NotTaken,
    /// Its `uri` leads to a network that is not served (§4.2).
    Uri,
    /// It is the service itself.
    Itself,
    /// There is no such list.
    NoList,
    /// The sender may not write to this list.
    ListClosed,
}

/// Bytes of a short entry: `<address type='to' jid='a@b.c'/>`.
const SHORT: usize = 32;

/// Bytes of the text for each addressee at most, for them to keep it.
const PART: usize = 256;

/// One entry. There may be thousands: it is kept small.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// What it is for.
    pub used: Use,
    /// It came with `delivered='true'`.
    pub delivered: bool,
    /// Why it is not delivered to.
    pub fault: Option<Fault>,
    /// It is for what the entry before it is for, at the same domain.
    pub(crate) beside: bool,
    /// The address that it is for; none where nothing could be delivered.
    pub(crate) whose: Option<Whose>,
    /// What the sender wrote as its address.
    named: Span,
    /// The whole element.
    whole: Span,
    /// The number of an entry from which it differs in the address alone.
    shape: u32,
}

/// The address that an entry is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    /// One as most are, in the text.
    Plain(Plain),
    /// Another one, by its number.
    Other(u32),
}

impl Whose {
    /// What is written at this place, if that is an address.
    fn read(text: &str, others: &mut Vec<Jid>, place: Range<usize>) -> Option<Self> {
        if let Some(plain) = Plain::find(text, place.clone()) {
            return Some(Self::Plain(plain));
        }
        others.push(Jid::parse(&unescape(&text[place])).ok()?);
        Some(Self::Other(small(others.len() - 1)))
    }

    /// The address at `start`, and its end, if it is one of the same domain and as most are.
    #[inline]
    fn beside(self, text: &str, start: usize) -> Option<(Self, usize)> {
        let Self::Plain(plain) = self else { return None };
        let next = plain.next(text, start)?;
        let end = next.place().end;
        (text.as_bytes().get(end) == Some(&b'\'')).then_some((Self::Plain(next), end))
    }
}

/// What the sender wrote as an entry.
#[derive(Debug)]
pub(crate) struct Written {
    /// Its address; empty if it has none.
    pub(crate) named: String,
    /// That is its `uri`, not its `jid`.
    pub(crate) by_uri: bool,
    /// The whole element.
    pub(crate) whole: Bytes,
}

/// A range of the text.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: u32,
    end: u32,
}

impl Span {
    fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl From<Range<usize>> for Span {
    fn from(Range { start, end }: Range<usize>) -> Self {
        Self { start: small(start), end: small(end) }
    }
}

/// A place in the text, or the number of an entry of it.
fn small(place: usize) -> u32 {
    u32::try_from(place).expect("the text has less than 4 GiB")
}

impl Entry {
    /// Bytes of the whole element.
    pub(crate) fn size(&self) -> usize {
        self.whole.range().len()
    }
}

/// The whole element.
#[derive(Debug, Clone)]
pub struct Addresses {
    text: Arc<str>,
    /// The start tag, with attributes that nobody here knows, open or closed in itself.
    head: Range<usize>,
    /// Its entries, in order.
    pub entries: Vec<Entry>,
    /// The addresses of those that are not as most are.
    others: Vec<Jid>,
}

impl Addresses {
    /// Reads the one `<addresses/>` of a stanza.
    pub fn read(payload: &Payload) -> Result<Self, Refusal> {
        let mut found =
            payload.children().iter().filter(|child| child.is(ns::ADDRESS, "addresses"));
        let (Some(child), None) = (found.next(), found.next()) else {
            return Err(refusals::no_addresses());
        };
        let text = str::from_utf8(payload.slice(child)).map_err(|_| refusals::no_addresses())?;
        if u32::try_from(text.len()).is_err() {
            return Err(refusals::too_large());
        }
        let mut scan = Scanner { bytes: text.as_bytes(), at: 0 };
        let mut head = scan.tag().ok_or_else(refusals::no_addresses)?;
        scan.finish(&mut head).ok_or_else(refusals::no_addresses)?;
        // Room for all, as short as they may be: they are many where it matters.
        let entries = Vec::with_capacity(text.len() / SHORT);
        let (opened, head) = (!head.closed, head.start..head.attributes_end);
        let mut all = Self { text: text.into(), head, entries, others: Vec::new() };
        if opened {
            all.read_entries(text, scan).ok_or_else(refusals::no_addresses)?;
        }
        // XEP-0033 §13: at least one.
        if all.entries.is_empty() {
            return Err(refusals::no_addresses());
        }
        Ok(all)
    }

    fn read_entries(&mut self, text: &str, mut scan: Scanner<'_>) -> Option<()> {
        while let Some(tag) = scan.tag().filter(|tag| !tag.ends) {
            let entry = entry(text, &mut self.others, &mut scan, tag)?;
            let entry = Entry { shape: small(self.entries.len()), ..entry };
            self.entries.push(entry);
            scan.at = self.read_alike(text, entry, scan.at);
        }
        Some(())
    }

    /// Reads the entries that follow at this place and differ from `first`, which is before them,
    /// in the address alone: most do. Gives the place behind them.
    fn read_alike(&mut self, text: &str, first: Entry, at: usize) -> usize {
        let bytes = text.as_bytes();
        let (whole, named) = (first.whole.range(), first.named.range());
        let (before, behind) = (&bytes[whole.start..named.start], &bytes[named.end..whole.end]);
        let (Some(mut whose), true) = (first.whose, bytes[at..].starts_with(before)) else {
            return at;
        };
        let seam = [behind, before].concat();
        let mut start = at + before.len();
        loop {
            let begin = start - before.len();
            let beside = whose.beside(text, start);
            let Some((next, end)) = beside.or_else(|| {
                let end = start + memchr::memchr(b'\'', &bytes[start..])?;
                Some((Whose::read(text, &mut self.others, start..end)?, end))
            }) else {
                return begin;
            };
            let more = bytes[end..].starts_with(&seam);
            if !more && !bytes[end..].starts_with(behind) {
                return begin;
            }
            let (named, whole) = ((start..end).into(), (begin..end + behind.len()).into());
            self.entries.push(Entry {
                whose: Some(next),
                beside: beside.is_some(),
                named,
                whole,
                ..first
            });
            if !more {
                return end + behind.len();
            }
            (whose, start) = (next, end + seam.len());
        }
    }

    /// So many addressees are a good part of the text, so that they may keep it; of fewer each copy
    /// that waits would keep what is mostly for others.
    pub(crate) fn is_mostly_for(&self, addressees: usize) -> bool {
        self.text.len() <= PART * addressees
    }

    /// The address that an entry is for.
    #[inline]
    pub(crate) fn jid(&self, whose: Whose) -> Jid {
        match whose {
            Whose::Plain(place) => Jid::plain(&self.text, place),
            Whose::Other(number) => self.others[number as usize].clone(),
        }
    }

    /// Takes out the addresses for answers that are not this one.
    pub(crate) fn strip_replyto(&mut self, sender: &str) {
        let entries = std::mem::take(&mut self.entries);
        let stays = |entry: &Entry| {
            entry.used != Use::ReplyTo
                || entry.whose.is_some_and(|whose| self.jid(whose).bare_key() == sender)
        };
        self.entries = entries.into_iter().filter(stays).collect();
    }

    /// The start tag of the whole, without its end: `<addresses xmlns='…'`.
    pub fn head(&self) -> &[u8] {
        self.text[self.head.clone()].as_bytes()
    }

    /// Bytes of memory, roughly.
    pub(crate) fn size(&self) -> usize {
        let others = self.others.iter().map(|jid| size_of::<Jid>() + jid.as_str().len());
        self.text.len() + size_of::<Entry>() * self.entries.len() + others.sum::<usize>()
    }

    fn bytes(&self, entry: &Entry) -> &[u8] {
        self.text[entry.whole.range()].as_bytes()
    }

    /// An entry as it came.
    pub fn verbatim(&self, entry: &Entry) -> Bytes {
        Bytes::copy_from_slice(self.bytes(entry))
    }

    /// What the sender wrote as the address of an entry.
    pub fn named(&self, entry: &Entry) -> String {
        unescape(&self.text[entry.named.range()]).into_owned()
    }

    /// What the sender wrote, for an answer.
    pub(crate) fn written(&self, entry: &Entry) -> Written {
        let by_uri = self.text[..entry.named.range().start].ends_with(" uri='");
        Written { named: self.named(entry), by_uri, whole: self.verbatim(entry) }
    }

    /// What is before and behind the address in an entry.
    pub fn around(&self, entry: &Entry) -> (&[u8], &[u8]) {
        let (whole, named) = (entry.whole.range(), entry.named.range());
        let bytes = self.text.as_bytes();
        (&bytes[whole.start..named.start], &bytes[named.end..whole.end])
    }

    /// The address in an entry is written like this one.
    #[inline]
    pub fn is_written(&self, entry: &Entry, jid: &Jid) -> bool {
        let written = &self.text[entry.named.range()];
        // Mostly it is that very place.
        std::ptr::eq(written, jid.as_str()) || *written.as_bytes() == *jid.escaped()
    }

    /// Two entries differ in the address alone.
    pub fn are_alike(&self, one: &Entry, other: &Entry) -> bool {
        one.shape == other.shape || self.around(one) == self.around(other)
    }

    /// Writes an entry: as it came, or with `delivered='true'` (XEP-0033 §4.5).
    pub fn write(&self, entry: &Entry, delivered: bool, xml: &mut Xml) {
        if delivered && !entry.delivered {
            self.write_marked(entry, true, xml);
        } else {
            xml.raw(self.bytes(entry));
        }
    }

    /// Writes an entry without `delivered`, whatever that says: others read it as a boolean, which
    /// may be `1`, or refuse what is none.
    pub(crate) fn write_unmarked(&self, entry: &Entry, xml: &mut Xml) {
        let bytes = self.bytes(entry);
        let is_said = memchr::memmem::find(bytes, b" delivered='").is_some();
        // What is of another namespace has attributes of its own.
        if is_said && self.is_address(entry) {
            self.write_marked(entry, false, xml);
        } else {
            xml.raw(bytes);
        }
    }

    fn write_marked(&self, entry: &Entry, delivered: bool, xml: &mut Xml) {
        let bytes = self.bytes(entry);
        let mut scan = Scanner { bytes, at: 0 };
        let Some(start) = scan.tag() else { return };
        let mut tag = Vec::with_capacity(bytes.len());
        tag.extend_from_slice(&bytes[..scan.at]);
        while let Some((whole, name, _)) = scan.attribute() {
            if name != b"delivered" {
                tag.extend_from_slice(&bytes[whole]);
            }
        }
        xml.open_raw(&tag).attr_opt("delivered", delivered.then_some("true"));
        // Behind `>`; `/>` has nothing behind it.
        let content = bytes.get(scan.at + 1..bytes.len() - start.name.len() - "</>".len());
        xml.raw(content.unwrap_or_default()).close();
    }

    /// It is an `<address/>`, not an element of another namespace (XEP-0033 §4.7).
    fn is_address(&self, entry: &Entry) -> bool {
        let mut scan = Scanner { bytes: self.bytes(entry), at: 0 };
        let is_named = scan.tag().is_some_and(|tag| &scan.bytes[tag.name] == b"address");
        is_named && std::iter::from_fn(|| scan.attribute()).all(|(_, name, _)| name != b"xmlns")
    }

    /// Any other service can read this entry: its address, and no further one inside it, as some
    /// read those, too.
    pub(crate) fn is_strict(&self, entry: &Entry) -> bool {
        let is_read = match entry.whose {
            Some(Whose::Plain(_)) => true,
            Some(Whose::Other(number)) => self.others[number as usize].is_strict(),
            None => !self.text[..entry.named.range().start].ends_with(" jid='"),
        };
        is_read && memchr::memmem::find(&self.bytes(entry)[1..], b"<address").is_none()
    }
}

/// A tag in canonical bytes; its end is known when it is finished.
struct Tag {
    start: usize,
    name: Range<usize>,
    attributes_end: usize,
    /// `<name/>`
    closed: bool,
    /// `</name>`
    ends: bool,
}

/// An attribute: its range with the space before, its name, the range of its value.
type Attribute<'a> = (Range<usize>, &'a [u8], Range<usize>);

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn find(&self, from: usize, is_it: impl Fn(u8) -> bool) -> Option<usize> {
        Some(from + self.bytes.get(from..)?.iter().position(|byte| is_it(*byte))?)
    }

    /// The next tag, behind any text: up to its attributes.
    fn tag(&mut self) -> Option<Tag> {
        let start = self.find(self.at, |byte| byte == b'<')?;
        let ends = *self.bytes.get(start + 1)? == b'/';
        let named = start + 1 + usize::from(ends);
        self.at = self.find(named, |byte| matches!(byte, b' ' | b'/' | b'>'))?;
        let name = named..self.at;
        Some(Tag { start, name, attributes_end: 0, closed: false, ends })
    }

    /// The next attribute of the tag begun last.
    fn attribute(&mut self) -> Option<Attribute<'a>> {
        let start = self.at;
        if *self.bytes.get(start)? != b' ' {
            return None;
        }
        let equals = self.find(start, |byte| byte == b'=')?;
        let value = equals + 2;
        let end = self.find(value, |byte| byte == b'\'')?;
        self.at = end + 1;
        Some((start..end + 1, &self.bytes[start + 1..equals], value..end))
    }

    /// Goes behind the end of the tag begun last.
    fn finish(&mut self, tag: &mut Tag) -> Option<()> {
        while self.attribute().is_some() {}
        tag.attributes_end = self.at;
        tag.closed = *self.bytes.get(self.at)? == b'/';
        self.at += 1 + usize::from(tag.closed);
        Some(())
    }

    /// Behind the end of the element that `tag`, which is finished, begins.
    fn element_end(&mut self, tag: &Tag) -> Option<usize> {
        let mut depth = usize::from(!tag.closed);
        while depth > 0 {
            let mut next = self.tag()?;
            self.finish(&mut next)?;
            match (next.ends, next.closed) {
                (true, _) => depth -= 1,
                (false, false) => depth += 1,
                (false, true) => {}
            }
        }
        Some(self.at)
    }
}

fn entry(text: &str, others: &mut Vec<Jid>, scan: &mut Scanner<'_>, mut tag: Tag) -> Option<Entry> {
    let bytes = scan.bytes;
    let (mut kind, mut jid, mut uri, mut node, mut foreign) = (None, None, None, false, false);
    let mut delivered = false;
    while let Some((_, name, value)) = scan.attribute() {
        match name {
            b"type" => kind = Some(value),
            b"jid" => jid = Some(value),
            b"uri" => uri = Some(value),
            b"node" => node = true,
            b"xmlns" => foreign = true,
            b"delivered" => delivered = &bytes[value] == b"true",
            _ => {}
        }
    }
    scan.finish(&mut tag)?;
    let end = scan.element_end(&tag)?;
    let mut entry = Entry {
        used: Use::Passed,
        delivered,
        fault: None,
        beside: false,
        whose: None,
        named: (tag.start..tag.start).into(),
        whole: (tag.start..end).into(),
        shape: 0,
    };
    // XEP-0033 §4.7: what is of another namespace is passed over.
    if foreign || &bytes[tag.name] != b"address" {
        return Some(entry);
    }
    entry.used = match kind.as_ref().map(|range| &bytes[range.clone()]) {
        Some(b"to" | b"cc") => Use::Open,
        Some(b"bcc") => Use::Blind,
        Some(b"replyto") => Use::ReplyTo,
        Some(b"replyroom" | b"noreply" | b"ofrom") => Use::Passed,
        Some(_) => {
            entry.fault = Some(Fault::UnknownType);
            Use::Passed
        }
        None => {
            entry.fault = Some(Fault::Incomplete);
            Use::Passed
        }
    };
    entry.named = jid.clone().or(uri.clone()).map_or(entry.named, Span::from);
    if entry.fault.is_some() {
        return Some(entry);
    }
    // XEP-0033 §4: through a service, an address or a URI and not both, and a node only with an
    // address; `noreply` needs none.
    let needs = kind.is_none_or(|range| &bytes[range] != b"noreply");
    entry.fault = match (&jid, &uri) {
        (Some(_), Some(_)) => Some(Fault::Incomplete),
        (None, Some(_)) if node => Some(Fault::Incomplete),
        (None, Some(_)) if matches!(entry.used, Use::Open | Use::Blind) && !entry.delivered => {
            Some(Fault::Uri)
        }
        (None, None) if needs => Some(Fault::Incomplete),
        _ => None,
    };
    if let (Some(range), None) = (jid, entry.fault) {
        match Whose::read(text, others, range) {
            Some(whose) => entry.whose = Some(whose),
            // Another service has delivered to it: what it is to that one is not ours to judge.
            None if entry.delivered => {}
            None => entry.fault = Some(Fault::Malformed),
        }
    }
    Some(entry)
}

/// The value that the gate wrote escaped.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'&') {
        return Cow::Borrowed(text);
    }
    let mut plain = text.to_owned();
    for (escaped, character) in [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&#x9;", "\t"),
        ("&#xA;", "\n"),
        ("&#xD;", "\r"),
        ("&amp;", "&"),
    ] {
        plain = plain.replace(escaped, character);
    }
    Cow::Owned(plain)
}
