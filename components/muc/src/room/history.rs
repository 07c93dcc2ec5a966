//! Messages of the past for one who enters (XEP-0045 §7.2.13, §7.2.14), and keeping them.
//!
//! Messages are records with a `stanza-id` (XEP-0359); as many are kept as the room may show. What
//! is sent has the id of the live message, so that nobody takes it for another.

use std::collections::VecDeque;

use annex_service::{
    context::{Context, Outcome},
    record::{Parts, Record},
    store::{Scan, StoreError, TURN_BYTES, TURN_RECORDS},
    turn::Turn,
};
use annex_stanza::{
    Chunks, Jid, Kind, MessageType, Outgoing, Payload, Recipient, Template, Timestamp, Xml, ns,
};

use super::Room;
use crate::keys::{self, MessageRecord, Note};

/// What a client asks for (§7.2.14).
#[derive(Debug, Clone, Default)]
pub(crate) struct Limits {
    maxchars: Option<usize>,
    maxstanzas: Option<usize>,
    seconds: Option<i64>,
    since: Option<Timestamp>,
}

impl Limits {
    /// Reads `<history/>`; an attribute that makes no sense is as if it were not there.
    pub(crate) fn of(element: &minidom::Element) -> Self {
        let number = |name| element.attr(name).and_then(|text| text.trim().parse::<u32>().ok());
        let size = |name| number(name).map(|number| number as usize);
        Self {
            maxchars: size("maxchars"),
            maxstanzas: size("maxstanzas"),
            seconds: number("seconds").map(i64::from),
            since: element.attr("since").and_then(|text| Timestamp::parse(text.trim())),
        }
    }

    fn asks(&self) -> bool {
        self.maxchars.is_some()
            || self.maxstanzas.is_some()
            || self.seconds.is_some()
            || self.since.is_some()
    }
}

/// The newest contiguous run of messages that meets every limit, and is no more than a turn may
/// read.
pub(crate) fn past(
    room: &Room,
    limits: &Limits,
    to: &Jid,
    context: &Context<'_, '_>,
) -> Outcome<Chunks<Template>> {
    let config = &room.record.config;
    if !config.archiving {
        return Ok(Chunks::new());
    }
    let most = config.max_history as usize;
    let count = match limits.maxstanzas {
        Some(count) => count.min(most),
        // Who sets another limit asked for more than the default.
        None if limits.asks() => most,
        None => (config.default_history as usize).min(most),
    };
    if count == 0 || limits.maxchars == Some(0) {
        return Ok(Chunks::new());
    }
    let now = context.turn.wall();
    let earliest =
        [limits.since, limits.seconds.map(|seconds| now.plus(seconds.saturating_mul(-1_000_000)))];
    let earliest = earliest.into_iter().flatten().max();
    let mut newest = Vec::new();
    let (mut bytes, mut chars) = (0, 0);
    let mut scan = Scan::prefix(keys::MESSAGES, &keys::of(room.id)).reversed().limit(count);
    'pages: loop {
        let page = context.turn.scan(scan.clone())?;
        for row in &page.rows {
            if newest.len() >= count {
                break 'pages;
            }
            let record = MessageRecord::of(row)?;
            if earliest.is_some_and(|earliest| Timestamp(record.at) < earliest) {
                break 'pages;
            }
            if record.subject {
                continue;
            }
            let template = replay(room, &record);
            // §7.2.14: characters of whole stanzas; one that does not fit ends the run, as what
            // lies behind it would leave a hole.
            bytes += template.len();
            if let Some(most) = limits.maxchars {
                chars += characters(&template.render(&Recipient::from(to)));
                if chars > most {
                    break 'pages;
                }
            }
            if bytes > TURN_BYTES {
                break 'pages;
            }
            newest.push(template);
        }
        match page.rows.last() {
            Some(last) if !page.complete => scan = scan.after(&last.key),
            _ => break,
        }
    }
    Ok(newest.into_iter().rev().collect())
}

fn characters(xml: &[u8]) -> usize {
    // Every byte of UTF-8 but those that go on with a character.
    xml.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

/// A message as it is told later: with `<delay/>` from the room (§7.2.13). It comes first: beside one
/// of the sender's own (§7.9), it is what clients find that look for one only.
pub(crate) fn replay(room: &Room, record: &MessageRecord) -> Template {
    let mut xml = Xml::new();
    delay(&mut xml, &room.jid, record.at);
    xml.raw(&record.payload);
    stanza_id(&mut xml, &record.archive_id, &room.jid);
    Outgoing {
        kind: Kind::Message(MessageType::Groupchat),
        from: room.address_of(&record.nick),
        id: record.id.clone(),
        lang: record.lang.clone(),
        payload: xml.finish(),
    }
    .template()
}

/// Which messages a room keeps; memory only.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Their stamps, oldest first, as far as they were read.
    stamps: VecDeque<u64>,
    /// All were read.
    complete: bool,
}

impl Room {
    /// The address of a nickname, be it in use or not; that of the room where there is none.
    pub(crate) fn address_of(&self, nick: &str) -> Jid {
        self.jid.with_resource(nick).unwrap_or_else(|_| self.jid.clone())
    }

    /// Reads which messages are kept, a page for each message that comes; call it before
    /// [`Room::keep`].
    pub(crate) fn read_kept(&mut self, turn: &Turn<'_>) -> Result<(), StoreError> {
        if self.kept.complete {
            return Ok(());
        }
        let mut scan = Scan::prefix(keys::MESSAGES, &keys::of(self.id));
        if let Some(last) = self.kept.stamps.back() {
            scan = scan.after(&keys::of(self.id).u64(*last));
        }
        let page = turn.scan(scan)?;
        for row in &page.rows {
            let mut parts = Parts::of(keys::MESSAGES, &row.key);
            parts.u64()?;
            self.kept.stamps.push_back(parts.u64()?);
        }
        self.kept.complete = page.complete;
        Ok(())
    }

    /// Keeps a message, drops the oldest beyond the limit, and promises that it arrives.
    pub(crate) fn keep(&mut self, record: &MessageRecord, context: &mut Context<'_, '_>) {
        let stamp = context.turn.stamp();
        record.save(context.turn, keys::of(self.id).u64(stamp));
        let limit = self.record.config.max_history as usize;
        let kept = &mut self.kept;
        // Where not all were read, reading on will find this one.
        if kept.complete {
            kept.stamps.push_back(stamp);
            let beyond = kept.stamps.len().saturating_sub(limit).min(TURN_RECORDS);
            for oldest in kept.stamps.drain(..beyond) {
                context.turn.delete(keys::MESSAGES, keys::of(self.id).u64(oldest));
            }
        }
        self.note(&Note::Message { room: self.id, message: stamp }, context);
    }
}

/// Whether a message belongs to the history: it says something to people (XEP-0045 §7.2.13), or
/// asks to be stored, and does not ask for the opposite (XEP-0334 §3).
pub(crate) fn is_kept(payload: &Payload) -> bool {
    let mut says = false;
    for child in payload.children() {
        match (&*child.ns, &*child.name) {
            (
                ns::HINTS,
                "no-store" | "no-permanent-store" | "no-permanent-storage" | "no-storage",
            ) => {
                return false;
            }
            (ns::HINTS, "store") | (ns::CLIENT, "body" | "subject") => says = true,
            (_, "encryption") if &*child.ns == "urn:xmpp:eme:0" => says = true,
            _ => {}
        }
    }
    says
}

/// `<stanza-id/>` by the room (XEP-0359 §3).
pub(crate) fn stanza_id(xml: &mut Xml, id: &str, room: &Jid) {
    xml.open("stanza-id").xmlns(ns::STANZA_ID).attr("id", id).attr("by", room.as_str()).close();
}

/// `<delay/>` from the room (XEP-0203).
pub(crate) fn delay(xml: &mut Xml, room: &Jid, at: i64) {
    xml.open("delay")
        .xmlns(ns::DELAY)
        .attr("from", room.as_str())
        .attr_display("stamp", Timestamp(at))
        .close();
}
