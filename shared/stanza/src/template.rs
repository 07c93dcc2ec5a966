//! Stanzas as bytes with holes: rendered once, written to thousands.

use std::{
    cmp::Ordering,
    fmt,
    ops::{Deref, Range},
    sync::Arc,
};

use bytes::Bytes;

use crate::{
    jid::Jid,
    outgoing::{Outgoing, write_header},
    xml::Xml,
};

/// An address, escaped for an attribute: kept for each recipient since it joined.
#[derive(Clone)]
pub struct Address {
    /// Where it stands.
    text: Arc<[u8]>,
    start: u32,
    end: u32,
}

impl Address {
    /// What is at this place of a text.
    #[inline]
    pub(crate) fn within(text: Arc<[u8]>, place: Range<u32>) -> Self {
        Self { text, start: place.start, end: place.end }
    }
}

impl From<Vec<u8>> for Address {
    fn from(escaped: Vec<u8>) -> Self {
        let end = u32::try_from(escaped.len()).expect("an address has 18,426 bytes at most");
        Self { text: escaped.into(), start: 0, end }
    }
}

impl Deref for Address {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.text[self.start as usize..self.end as usize]
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Address {}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(self), f)
    }
}

/// What fills a template's holes for one recipient.
#[derive(Debug, Clone)]
pub struct Recipient {
    /// Fills `to`.
    pub to: Address,
    /// Fill the slots, by number. Usually none.
    pub slots: Option<Arc<Vec<Own>>>,
}

/// What a recipient has of its own for a slot.
#[derive(Debug, Clone)]
pub struct Own {
    /// Where it stands: so many bytes behind the place of the slot, but not behind the next one.
    /// Thousands may have a place each without a slot for each of them.
    pub behind: usize,
    /// Rendered by [`Xml`].
    pub bytes: Bytes,
}

impl From<Bytes> for Own {
    /// At the place of the slot.
    fn from(bytes: Bytes) -> Self {
        Self { behind: 0, bytes }
    }
}

impl Recipient {
    fn own(&self, number: u8) -> Option<&Own> {
        self.slots.as_ref()?.get(usize::from(number))
    }
}

impl From<&Jid> for Recipient {
    fn from(jid: &Jid) -> Self {
        Self { to: jid.escaped(), slots: None }
    }
}

impl From<Address> for Recipient {
    #[inline]
    fn from(to: Address) -> Self {
        Self { to, slots: None }
    }
}

/// A hole in the payload, by its place in it: as [`Xml::place`] and [`Xml::attr_slot`] tell it
/// while the payload is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Bytes of payload before it.
    pub at: usize,
    /// What fills it.
    pub fill: Fill,
}

/// What fills a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// The recipient's address, as in `to`.
    To,
    /// What the recipient has for the slot with this number; nothing if it has none.
    Own(u8),
}

impl Fill {
    /// Bytes of it for this recipient.
    fn size(self, recipient: &Recipient) -> usize {
        match self {
            Self::To => recipient.to.len(),
            Self::Own(number) => recipient.own(number).map_or(0, |own| own.bytes.len()),
        }
    }
}

/// A stanza with holes: `to` first, then slots in the payload. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Template(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    from: Jid,
    bytes: Box<[u8]>,
    /// Bytes before the address.
    to: usize,
    /// Bytes to the end of the payload.
    inside: usize,
    /// Slots by their place in `bytes`, ascending.
    slots: Box<[Slot]>,
}

impl Inner {
    /// Appends what is from the first hole to the last; gives the place of the last.
    #[inline]
    fn fill(&self, recipient: &Recipient, out: &mut Vec<u8>) -> usize {
        out.extend_from_slice(&recipient.to);
        let mut done = self.to;
        let mut slots = self.slots.iter();
        while let Some(slot) = slots.next() {
            let (at, fill) = match slot.fill {
                Fill::To => (slot.at, &*recipient.to),
                Fill::Own(number) => match recipient.own(number) {
                    Some(own) => {
                        let next = slots.as_slice().first().map_or(self.inside, |next| next.at);
                        (next.min(slot.at.saturating_add(own.behind)), &*own.bytes)
                    }
                    None => (slot.at, &[][..]),
                },
            };
            out.extend_from_slice(&self.bytes[done..at]);
            done = at;
            out.extend_from_slice(fill);
        }
        done
    }

    /// The same where recipients fill in their addresses and nothing else.
    #[inline]
    fn fill_addresses(&self, to: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(to);
        let mut done = self.to;
        for slot in &self.slots {
            out.extend_from_slice(&self.bytes[done..slot.at]);
            done = slot.at;
            out.extend_from_slice(to);
        }
    }
}

impl Template {
    /// Renders a stanza that has no slots.
    pub fn new(stanza: &Outgoing) -> Self {
        Self::with_slots(stanza, &[])
    }

    /// Renders a stanza with slots at these places of its payload; those at one place are filled in
    /// the order given. A place behind the payload is its end: writing never fails.
    pub fn with_slots(stanza: &Outgoing, slots: &[Slot]) -> Self {
        let mut xml = Xml::new();
        let (id, lang) = (stanza.id.as_deref(), stanza.lang.as_deref());
        write_header(&mut xml, stanza.kind, &stanza.from, id, lang);
        let mut bytes = xml.into_open_tag();
        bytes.extend_from_slice(b" to='");
        let to = bytes.len();
        let mut placed = Vec::new();
        let inside;
        if stanza.payload.is_empty() && slots.is_empty() {
            bytes.extend_from_slice(b"'/>");
            inside = bytes.len();
        } else {
            bytes.extend_from_slice(b"'>");
            let start = bytes.len();
            let place = |slot: &Slot| start + slot.at.min(stanza.payload.len());
            placed.extend(slots.iter().map(|slot| Slot { at: place(slot), ..*slot }));
            placed.sort_by_key(|slot| slot.at);
            bytes.extend_from_slice(&stanza.payload);
            inside = bytes.len();
            bytes.extend_from_slice(b"</");
            bytes.extend_from_slice(stanza.kind.name().as_bytes());
            bytes.push(b'>');
        }
        Self(Arc::new(Inner {
            from: stanza.from.clone(),
            bytes: bytes.into(),
            to,
            inside,
            slots: placed.into(),
        }))
    }

    /// The address it comes from.
    pub fn from(&self) -> &Jid {
        &self.0.from
    }

    /// Bytes without what fills the holes.
    pub fn len(&self) -> usize {
        self.0.bytes.len()
    }

    /// How often a recipient's address is in it; none if recipients fill in more than that.
    pub fn addresses(&self) -> Option<usize> {
        let slots = &self.0.slots;
        slots.iter().all(|slot| slot.fill == Fill::To).then_some(1 + slots.len())
    }

    /// Bytes of the stanza for one recipient.
    pub fn size(&self, recipient: &Recipient) -> usize {
        let slots = self.0.slots.iter().map(|slot| slot.fill.size(recipient));
        self.len() + recipient.to.len() + slots.sum::<usize>()
    }

    /// Never: a stanza has a name at least.
    pub fn is_empty(&self) -> bool {
        self.0.bytes.is_empty()
    }

    /// Appends the stanza for one recipient.
    pub fn write(&self, recipient: &Recipient, out: &mut Vec<u8>) {
        let inner = &*self.0;
        out.extend_from_slice(&inner.bytes[..inner.to]);
        let done = inner.fill(recipient, out);
        out.extend_from_slice(&inner.bytes[done..]);
    }

    /// Appends the stanzas for these recipients, until `out` has `end` bytes or more; returns how
    /// many. This is the hot path of every fan-out: copies of memory and nothing else.
    pub fn write_run(&self, recipients: &[Recipient], out: &mut Vec<u8>, end: usize) -> usize {
        if self.addresses().is_none() {
            return self.write_each(recipients, out, end);
        }
        let inner = &*self.0;
        let head = inner.to;
        // What is between the last hole of one copy and the first of the next.
        let last = inner.slots.last().map_or(head, |slot| slot.at);
        let seam = [&inner.bytes[last..], &inner.bytes[..head]].concat();
        // With the head of one more.
        let end = end.saturating_add(head);
        out.extend_from_slice(&inner.bytes[..head]);
        let mut count = 0;
        for recipient in recipients {
            if out.len() >= end {
                break;
            }
            inner.fill_addresses(&recipient.to, out);
            out.extend_from_slice(&seam);
            count += 1;
        }
        out.truncate(out.len() - head);
        count
    }

    /// The same where recipients fill in more than their addresses.
    fn write_each(&self, recipients: &[Recipient], out: &mut Vec<u8>, end: usize) -> usize {
        for (count, recipient) in recipients.iter().enumerate() {
            if out.len() >= end {
                return count;
            }
            self.write(recipient, out);
        }
        recipients.len()
    }

    /// The stanza for one recipient.
    pub fn render(&self, recipient: &Recipient) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size(recipient));
        self.write(recipient, &mut out);
        out
    }
}
