//! What waits to be handled, bounded in bytes, and what happens to stanzas beyond that bound.
//!
//! The reader never stops, so the queue fills when handling has stopped for want of output space.
//! Then requests and messages are refused; presence coalesces to the last for each pair of
//! addresses; a departure or an error is kept as one mark for each pair. What was kept follows the
//! queue, in the order in which the pairs first came, when the queue is half empty again.

use std::collections::{HashMap, VecDeque};

use annex_service::input::Input;
use annex_stanza::{
    IqType, Jid, Kind, MessageType, Payload, PresenceType, RawHeader, Refusal, Stanza,
};

/// Inputs for which there is always room.
const ROOM: usize = 1024;

/// What became of a stanza.
#[derive(Debug)]
pub(crate) enum Offer {
    /// It waits in the queue.
    Queued,
    /// It is kept beside the queue, in place of an earlier one.
    Kept,
    /// There is no room: its sender is to be told.
    Refused(Box<Stanza>),
    /// There is no room, and nobody to tell.
    Dropped,
}

/// See the module's text.
#[derive(Debug)]
pub(crate) struct Inbox {
    queue: VecDeque<(Input, usize)>,
    bytes: usize,
    limit: usize,
    kept: Kept,
    full: bool,
}

/// Presence of one pair of addresses: a departure or an error, and what came after it.
#[derive(Debug, Default)]
struct Pair {
    departed: Option<Stanza>,
    latest: Option<Stanza>,
}

#[derive(Debug, Default)]
struct Kept {
    pairs: Vec<Pair>,
    index: HashMap<(String, String), usize>,
    bytes: usize,
}

impl Inbox {
    /// Holds up to `limit` bytes of stanzas.
    pub(crate) fn new(limit: usize) -> Self {
        Self { queue: VecDeque::new(), bytes: 0, limit, kept: Kept::default(), full: false }
    }

    /// Another bound from now on.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Bytes that wait, beside the queue too.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.kept.bytes
    }

    /// The bound was reached, and the queue is not yet half empty again.
    pub(crate) fn is_full(&self) -> bool {
        self.full
    }

    /// Stanzas that wait, beside the queue too.
    pub(crate) fn stanzas(&self) -> usize {
        let queued = self.queue.iter().filter(|(input, _)| matches!(input, Input::Stanza(_)));
        let kept = self.kept.pairs.iter().flat_map(|pair| [&pair.departed, &pair.latest]);
        queued.count() + kept.flatten().count()
    }

    /// Nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.kept.pairs.is_empty()
    }

    /// Something other than a stanza: bounded where it comes from.
    pub(crate) fn push(&mut self, input: Input) {
        self.queue.push_back((input, 0));
    }

    /// A stanza that the gate refused: small, as only its header is left. Dropped when full.
    pub(crate) fn push_refused(&mut self, header: RawHeader, refusal: Refusal) -> bool {
        let address = |jid: &Option<Jid>| jid.as_ref().map_or(0, |jid| jid.as_str().len());
        let (from, to) = (address(&header.from), address(&header.to));
        let id = header.id.as_ref().map_or(0, String::len);
        let size = size_of::<Input>() + 2 * (from + to) + id + 256;
        let input = Input::Refused { header, refusal };
        self.full |= self.bytes + size > self.limit;
        if !self.full {
            self.bytes += size;
            self.queue.push_back((input, size));
        }
        !self.full
    }

    /// A stanza arrived.
    pub(crate) fn offer(&mut self, stanza: Stanza) -> Offer {
        let size = footprint(&stanza);
        self.full |= self.bytes + size > self.limit;
        if !self.full {
            return self.queue_up(stanza, size);
        }
        match stanza.kind {
            Kind::Presence(kind) => self.kept.keep(stanza, departs(kind), size, self.limit),
            Kind::Message(MessageType::Error) => self.kept.keep(stanza, true, size, self.limit),
            Kind::Iq(IqType::Result | IqType::Error) => {
                // The answers that we asked for: few, and worth a margin.
                if self.bytes + size > self.limit + self.limit / 8 {
                    Offer::Dropped
                } else {
                    self.queue_up(stanza, size)
                }
            }
            Kind::Iq(IqType::Get | IqType::Set) | Kind::Message(_) => Offer::Refused(stanza.into()),
        }
    }

    fn queue_up(&mut self, stanza: Stanza, size: usize) -> Offer {
        self.bytes += size;
        self.queue.push_back((Input::Stanza(stanza), size));
        Offer::Queued
    }

    /// The next input is `Online`: it is handled in a turn of its own.
    pub(crate) fn next_is_online(&self) -> bool {
        matches!(self.queue.front(), Some((Input::Online { .. }, _)))
    }

    /// The next input, and its bytes.
    pub(crate) fn pop(&mut self) -> Option<(Input, usize)> {
        if self.full && self.bytes <= self.limit / 2 {
            self.full = false;
            self.kept.index.clear();
            self.kept.bytes = 0;
            for pair in std::mem::take(&mut self.kept.pairs) {
                for stanza in [pair.departed, pair.latest].into_iter().flatten() {
                    let size = footprint(&stanza);
                    self.queue_up(stanza, size);
                }
            }
        }
        let (input, size) = self.queue.pop_front()?;
        self.bytes -= size;
        if self.queue.is_empty() {
            // What one flood needed is given back.
            self.queue.shrink_to(ROOM);
        }
        Some((input, size))
    }
}

impl Kept {
    fn keep(&mut self, mut stanza: Stanza, departs: bool, size: usize, limit: usize) -> Offer {
        let names = (stanza.from.as_str().to_owned(), stanza.to.as_str().to_owned());
        let names_size = 2 * (names.0.len() + names.1.len()) + 64;
        let at = self.index.get(&names).copied();
        // Half as much again as the queue, of which departures may use all: they are the ones whose
        // loss leaves ghosts behind.
        let bound = if departs { limit / 2 } else { limit / 4 };
        if departs {
            stanza.payload = Payload::empty();
        }
        let size = if departs { footprint(&stanza) } else { size };
        if self.bytes + size + names_size > bound {
            return if departs { Offer::Dropped } else { Offer::Refused(stanza.into()) };
        }
        let at = at.unwrap_or_else(|| {
            self.bytes += names_size;
            self.pairs.push(Pair::default());
            self.index.insert(names, self.pairs.len() - 1);
            self.pairs.len() - 1
        });
        let pair = &mut self.pairs[at];
        let before = if departs { pair.latest.take() } else { None };
        let place = if departs { &mut pair.departed } else { &mut pair.latest };
        let replaced = place.replace(stanza);
        self.bytes += size;
        for old in before.iter().chain(&replaced) {
            self.bytes -= footprint(old);
        }
        Offer::Kept
    }
}

fn departs(kind: PresenceType) -> bool {
    matches!(kind, PresenceType::Unavailable | PresenceType::Error)
}

/// Bytes of memory that a waiting stanza holds, roughly.
fn footprint(stanza: &Stanza) -> usize {
    let (from, to) = (stanza.from.as_str().len(), stanza.to.as_str().len());
    let payload = stanza.payload.bytes().len() + 64 * stanza.payload.children().len();
    let texts = [&stanza.id, &stanza.lang];
    let texts: usize = texts.iter().map(|text| text.as_ref().map_or(0, String::len)).sum();
    // Each address is kept as spelled and as compared.
    size_of::<Input>() + payload + texts + 2 * (from + to) + 128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_room_that_a_flood_needed_is_given_back() {
        let mut inbox = Inbox::new(1 << 20);
        for _ in 0..100 * ROOM {
            inbox.push(Input::Confirmed(1));
        }
        while inbox.pop().is_some() {}
        assert!(inbox.queue.capacity() <= 2 * ROOM, "{}", inbox.queue.capacity());
    }
}
