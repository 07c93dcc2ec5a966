//! Which copies go to whom (XEP-0033 §4.5, §4.6.3, §6).
//!
//! All `to` and `cc` addressees share one copy. Each `bcc` addressee gets the same with its own
//! entry at its place: a template with a slot. Mostly these entries stand at one place and differ in
//! the address alone, and the slot is for that; what else a sender writes into one has a slot as a
//! whole. Few places have a template each; many share one, and each entry carries its place. A
//! service of another server gets one copy for all of its users.

use std::sync::Arc;

use annex_stanza::{Audience, Fill, Jid, Own, Recipient, Slot, Xml, ns};

use super::{Draft, Target};
use crate::address::{Addresses, Entry, Use};

/// Bytes of copies that are the same but for the place of the blind entries among the shown ones:
/// a template for each place costs nothing for each addressee. Above, all places share a template.
const PLACES_BYTES: usize = 1024 * 1024;

/// Copies that are the same but for what each recipient has of its own.
#[derive(Debug, Clone)]
pub struct Copies {
    /// Everything inside.
    pub payload: Vec<u8>,
    /// The place for each recipient's own entry, or for the address in it.
    pub slot: Option<Slot>,
    /// Who gets them, and the own entries.
    pub audience: Audience,
}

/// The entry is shown to everyone.
fn is_shown(entry: &Entry) -> bool {
    entry.fault.is_none() && entry.used != Use::Blind
}

/// Copies for these, each of its own.
pub fn copies(draft: &Draft, mut targets: Vec<Target>) -> Vec<Copies> {
    let Some(addresses) = &draft.addresses else {
        let payload = [&draft.before[..], &draft.after].concat();
        return plain(payload, targets).into_iter().collect();
    };
    let mut xml = Xml::new();
    xml.raw(&draft.before).open_raw(addresses.head());
    // Where each entry stands, or would stand.
    let mut places = Vec::with_capacity(addresses.entries.len());
    for entry in &addresses.entries {
        places.push(xml.place());
        if is_shown(entry) {
            // XEP-0033 §4.5: what is delivered to is marked in every copy.
            addresses.write(entry, entry.used == Use::Open || entry.delivered, &mut xml);
        }
    }
    xml.close().raw(&draft.after);
    let payload = xml.finish();

    let open: Vec<Target> = targets.extract_if(.., |one| !one.is_blind()).collect();
    let blind = targets;
    let mut found = Vec::from_iter(plain(payload.clone(), open));
    let place = |target: &Target| places[target.entry];
    // Members of lists stand at the end: a place may come twice.
    let groups = blind.chunk_by(|a, b| place(a) == place(b));
    let groups: Vec<_> = groups.map(|group| (place(&group[0]), group.len())).collect();
    if groups.len() > 1 && groups.len() * payload.len() > PLACES_BYTES {
        found.extend(scattered(addresses, payload, &places, blind));
        return found;
    }
    let mut blind = blind.into_iter();
    for (at, length) in groups {
        found.extend(own(addresses, &payload, at, blind.by_ref().take(length)));
    }
    found
}

/// Copies that are all the same.
fn plain(payload: Vec<u8>, targets: Vec<Target>) -> Option<Copies> {
    let audience = targets.into_iter().map(|target| target.jid.into_escaped().into());
    let audience: Audience = audience.collect();
    (!audience.is_empty()).then_some(Copies { payload, slot: None, audience })
}

/// Copies with each recipient's own entry at this place.
fn own(
    addresses: &Addresses,
    payload: &[u8],
    at: usize,
    targets: impl Iterator<Item = Target>,
) -> Vec<Copies> {
    let mut entries = Entries::of(addresses);
    let mut first = None;
    let (mut alike, mut others) = (Audience::builder(), Audience::builder());
    for target in targets {
        let entry = &addresses.entries[target.entry];
        if addresses.is_written(entry, &target.jid)
            && addresses.are_alike(first.get_or_insert(entry), entry)
        {
            alike.push(Recipient { to: target.jid.into_escaped(), slots: None });
        } else {
            let slots = Some(entries.slots(target.entry, 0));
            others.push(Recipient { to: target.jid.into_escaped(), slots });
        }
    }
    let mut found = Vec::new();
    if let Some(first) = first {
        let (before, behind) = addresses.around(first);
        let payload = [&payload[..at], before, behind, &payload[at..]].concat();
        let slot = Some(Slot { at: at + before.len(), fill: Fill::To });
        found.push(Copies { payload, slot, audience: alike.finish() });
    }
    let others = others.finish();
    if !others.is_empty() {
        let slot = Some(Slot { at, fill: Fill::Own(0) });
        found.push(Copies { payload: payload.to_vec(), slot, audience: others });
    }
    found
}

/// Copies with each recipient's own entry at the place of its own.
fn scattered(
    addresses: &Addresses,
    payload: Vec<u8>,
    places: &[usize],
    targets: Vec<Target>,
) -> Option<Copies> {
    let first = targets.iter().map(|target| places[target.entry]).min()?;
    let mut entries = Entries::of(addresses);
    let audience = targets.into_iter().map(|target| {
        let slots = Some(entries.slots(target.entry, places[target.entry] - first));
        Recipient { to: target.jid.into_escaped(), slots }
    });
    let audience = audience.collect();
    Some(Copies { payload, slot: Some(Slot { at: first, fill: Fill::Own(0) }), audience })
}

/// Entries as they came, each of them once: that of a list is its members'.
struct Entries<'a> {
    addresses: &'a Addresses,
    last: Option<(usize, Arc<Vec<Own>>)>,
}

impl<'a> Entries<'a> {
    fn of(addresses: &'a Addresses) -> Self {
        Self { addresses, last: None }
    }

    /// What someone with this entry has of its own, so far behind the slot.
    fn slots(&mut self, entry: usize, behind: usize) -> Arc<Vec<Own>> {
        match &self.last {
            Some((last, slots)) if *last == entry => Arc::clone(slots),
            _ => {
                let bytes = self.addresses.verbatim(&self.addresses.entries[entry]);
                let slots = Arc::new(vec![Own { behind, bytes }]);
                self.last = Some((entry, Arc::clone(&slots)));
                slots
            }
        }
    }
}

/// Any other service can read what everyone is shown. One entry that it cannot, and it may take none
/// of them.
pub(crate) fn is_strict(draft: &Draft) -> bool {
    let is_strict = |addresses: &Addresses| {
        let mut shown = addresses.entries.iter().filter(|entry| is_shown(entry));
        shown.all(|entry| addresses.is_strict(entry))
    };
    draft.addresses.as_ref().is_none_or(is_strict)
}

/// Any other service can read the entry of its user.
pub(crate) fn is_strict_for(draft: &Draft, target: &Target) -> bool {
    match &draft.addresses {
        Some(addresses) => addresses.is_strict(&addresses.entries[target.entry]),
        None => target.jid.is_strict(),
    }
}

/// One copy for the service of another server (XEP-0033 §6, step 11): the entries of these users
/// of it are not marked, and its blind ones are there; all others are as everyone sees them.
pub fn relayed(draft: &Draft, targets: &[&Target], service: &Jid) -> Copies {
    let mut xml = Xml::new();
    xml.raw(&draft.before);
    match &draft.addresses {
        Some(addresses) => {
            xml.open_raw(addresses.head());
            entries(addresses, targets, &mut xml);
        }
        None => {
            xml.open("addresses").xmlns(ns::ADDRESS);
            for target in targets {
                xml.open("address").attr("type", "bcc").attr("jid", target.jid.as_str()).close();
            }
        }
    }
    xml.close().raw(&draft.after);
    let audience = Audience::from_iter([Recipient::from(service)]);
    Copies { payload: xml.finish(), slot: None, audience }
}

fn entries(addresses: &Addresses, targets: &[&Target], xml: &mut Xml) {
    let mut keys: Vec<&str> = targets.iter().map(|one| one.jid.key()).collect();
    keys.sort_unstable();
    let mut next = targets.iter().peekable();
    for (at, entry) in addresses.entries.iter().enumerate() {
        if next.peek().is_some_and(|target| target.entry == at) {
            next.next();
            addresses.write_unmarked(entry, xml);
        } else if is_shown(entry) {
            let again =
                entry.whose.filter(|_| entry.used == Use::Open).map(|whose| addresses.jid(whose));
            // Marked, it would tell that service not to deliver.
            if again.is_some_and(|jid| keys.binary_search(&jid.key()).is_ok()) {
                continue;
            }
            if entry.used == Use::Open || entry.delivered {
                addresses.write(entry, true, xml);
            } else {
                addresses.write_unmarked(entry, xml);
            }
        }
    }
}
