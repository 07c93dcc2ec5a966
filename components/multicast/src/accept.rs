//! Whether a stanza with addresses is accepted, and who gets it (XEP-0033 §3, §6, §9).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use annex_service::{
    context::{Context, Failure, Outcome},
    input::Common,
};
use annex_stanza::{Kind, Refusal, Stanza};

use crate::{
    access,
    address::{Addresses, Fault, Use},
    deliver::{self, Draft, Rank, Target},
    from_probe::Verdict,
    lists,
    refusals::{self, Bad},
    report::Told,
    service::Multicast,
};

/// In whose name copies leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The sender's: XEP-0033 §3.
    Kept,
    /// The sender's bare address, through XEP-0356 with this namespace.
    Privilege(&'static str),
}

/// A stanza that may be delivered.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) draft: Arc<Draft>,
    pub(crate) targets: Vec<Target>,
    /// Entries that fail by themselves.
    pub(crate) refused: Option<Refusal>,
    /// For a report: those, and the lists that are delivered to.
    pub(crate) told: Told,
}

impl Prepared {
    /// For these, without a check.
    pub(crate) fn new(draft: Draft, targets: Vec<Target>) -> Self {
        Self { draft: draft.into(), targets, refused: None, told: Told::default() }
    }
}

/// Whether, and in whose name, the sender's stanza may leave.
pub(crate) fn mode(multicast: &Multicast, stanza: &Stanza) -> Result<Mode, Refusal> {
    if multicast.probe.verdict == Verdict::Kept {
        return Ok(Mode::Kept);
    }
    if !multicast.settings.privilege {
        return Err(multicast.probe.refusal());
    }
    // XEP-0356 §4: messages of users of the server that gave the permission.
    if !matches!(stanza.kind, Kind::Message(_)) {
        return Err(refusals::no_presence());
    }
    let ns = multicast.privileges.of(stanza.from.domain_key());
    ns.map(Mode::Privilege).ok_or_else(|| multicast.probe.refusal())
}

/// Reads, checks and expands the addresses, and refuses what must not be delivered at all.
pub(crate) fn prepare(
    multicast: &Multicast,
    stanza: &Stanza,
    context: &Context<'_, '_>,
) -> Outcome<Prepared> {
    let (settings, common) = (&multicast.settings, &context.shared.common);
    access::admit(&stanza.from, settings, common)?;
    let mut addresses = Addresses::read(&stanza.payload)?;
    if settings.strip_replyto {
        addresses.strip_replyto(stanza.from.bare_key());
    }
    if stanza.to.local().is_some() {
        return passed_on(stanza, addresses, context);
    }
    // XEP-0033 §9: what was delivered to is not counted.
    let given = addresses.entries.iter();
    let given = given.filter(|one| is_receiver(one.used) && !one.delivered).count();
    let limit = access::limit(&stanza.from, settings, common);
    if given > limit {
        return Err(refusals::too_many(limit, given).into());
    }
    let mut candidates = Vec::with_capacity(addresses.entries.len());
    let mut told = Told::default();
    let (mut near, mut ours) = (false, false);
    // Of each list the lowest rank so far; looked for when the first one is met.
    let mut lists: Option<BTreeMap<String, Rank>> = None;
    let mut members: Vec<Target> = Vec::new();
    for number in 0..addresses.entries.len() {
        let entry = &addresses.entries[number];
        let (true, Some(whose)) = (is_receiver(entry.used), entry.whose) else { continue };
        let rank = match (entry.delivered, entry.used) {
            (true, _) => Rank::Delivered,
            (false, Use::Blind) => Rank::Blind,
            (false, _) => Rank::Open,
        };
        if !entry.beside {
            let jid = addresses.jid(whose);
            near = access::is_near(&jid, common);
            ours = jid.domain_key() == common.jid.domain_key();
        }
        if entry.delivered || !ours {
            let jid = addresses.jid(whose);
            candidates.push(Target { jid, entry: number, listed: false, rank, near });
            continue;
        }
        let list = addresses.jid(whose);
        let lists = lists.get_or_insert_with(|| delivered_lists(&addresses, common));
        if lists.get(list.bare_key()).is_some_and(|before| *before <= rank) {
            continue;
        }
        match lists::members(&list, &stanza.from, context)? {
            Ok(found) => {
                let before = lists.insert(list.bare_key().to_owned(), rank);
                if !found.is_empty() && before.is_none() {
                    told.sent.push(list);
                }
                for jid in found {
                    let near = access::is_near(&jid, common);
                    members.push(Target { jid, entry: number, listed: true, rank, near });
                }
            }
            Err(fault) => addresses.entries[number].fault = Some(fault),
        }
    }
    if !members.is_empty() {
        // Before anybody is taken out: whom a mark spares would show who the members are.
        access::relay(&stanza.from, &addresses, &members, common)?;
        // Who stands there too gets the copy for that entry.
        let named: BTreeSet<&str> = candidates.iter().map(|one| one.jid.key()).collect();
        members.retain(|one| !named.contains(one.jid.key()));
        candidates.append(&mut members);
    }
    let bad: Vec<_> = addresses
        .entries
        .iter()
        .filter_map(|one| Some(Bad { fault: one.fault?, written: addresses.written(one) }))
        .collect();
    let mut targets = deliver::select(candidates);
    // An unknown type fails by itself in any case: XEP-0033 §4.7 leaves room for new ones.
    let fails_all = |one: &&Bad| one.fault != Fault::UnknownType;
    if !bad.is_empty()
        && (targets.is_empty() || (settings.whole && bad.iter().any(|one| fails_all(&one))))
    {
        return Err(refusals::bad_addresses(&bad).into());
    }
    // XEP-0033 §4.5: what was delivered to everyone comes to its end without a word.
    let is_done = || addresses.entries.iter().any(|one| one.delivered && is_receiver(one.used));
    if targets.is_empty() && !is_done() {
        let nobody = if given == 0 { refusals::no_recipient() } else { refusals::empty_list() };
        return Err(nobody.into());
    }
    if !addresses.is_mostly_for(targets.len()) {
        targets.iter_mut().for_each(|target| target.jid = target.jid.alone());
    }
    let draft = draft(stanza, addresses, &targets, common)?;
    let refused = (!bad.is_empty()).then(|| refusals::bad_addresses(&bad));
    told.refused = bad;
    Ok(Prepared { draft: draft.into(), targets, refused, told })
}

/// The lists of ours that were delivered to before (XEP-0033 §4.5).
fn delivered_lists(addresses: &Addresses, common: &Common) -> BTreeMap<String, Rank> {
    let done = addresses.entries.iter().filter(|one| one.delivered && is_receiver(one.used));
    let jids = done.filter_map(|one| Some(addresses.jid(one.whose?)));
    let ours = jids.filter(|jid| jid.domain_key() == common.jid.domain_key());
    ours.map(|jid| (jid.bare_key().to_owned(), Rank::Delivered)).collect()
}

/// A copy that another service made for a list of ours, written to the list itself: its members get
/// it, with the addresses as they are, and nobody else who stands there does.
///
/// It is one if the list stands there, marked (XEP-0033 §4.5) or blind (§4.6.3). What leaves here for
/// the members has no such entry of theirs: who has one gets nothing more, and none is marked. So it
/// passes no other list, however lists contain each other.
fn passed_on(
    stanza: &Stanza,
    mut addresses: Addresses,
    context: &Context<'_, '_>,
) -> Outcome<Prepared> {
    let common = &context.shared.common;
    let mut candidates = Vec::new();
    let mut own = None;
    for (number, entry) in addresses.entries.iter().enumerate() {
        let done = entry.used == Use::Blind || entry.used == Use::Open && entry.delivered;
        let (true, Some(whose)) = (done, entry.whose) else { continue };
        let jid = addresses.jid(whose);
        if jid == stanza.to {
            own = own.or(Some(number));
        }
        candidates.push(Target {
            jid,
            entry: number,
            listed: false,
            rank: Rank::Delivered,
            near: false,
        });
    }
    let own = own.ok_or_else(refusals::not_for_list)?;
    let entry = &addresses.entries[own];
    let rank = if entry.used == Use::Blind { Rank::Blind } else { Rank::Open };
    let members = lists::members(&stanza.to, &stanza.from, context)?.map_err(|fault| {
        refusals::bad_addresses(&[Bad { fault, written: addresses.written(entry) }])
    })?;
    if members.is_empty() {
        return Err(refusals::empty_list().into());
    }
    let target = |jid| {
        let near = access::is_near(&jid, common);
        Target { jid, entry: own, listed: true, rank, near }
    };
    let mut members: Vec<Target> = members.into_iter().map(target).collect();
    // As in [`prepare`].
    access::relay(&stanza.from, &addresses, &members, common)?;
    candidates.append(&mut members);
    let targets = deliver::select(candidates);
    for entry in &mut addresses.entries {
        entry.fault = None;
        if entry.used == Use::Open {
            entry.used = Use::Passed;
        }
    }
    let draft = draft(stanza, addresses, &targets, common)?;
    let told = Told { sent: vec![stanza.to.clone()], ..Told::default() };
    Ok(Prepared { draft: draft.into(), targets, refused: None, told })
}

/// It is of a type that is delivered to.
fn is_receiver(used: Use) -> bool {
    matches!(used, Use::Open | Use::Blind)
}

/// The stanza to be copied, if the sender reaches all of these, and the server takes the copies.
fn draft(
    stanza: &Stanza,
    addresses: Addresses,
    targets: &[Target],
    common: &Common,
) -> Result<Draft, Refusal> {
    access::relay(&stanza.from, &addresses, targets, common)?;
    let draft = Draft::new(stanza, Some(addresses));
    if size(&draft) > common.stanza_out {
        return Err(refusals::too_large());
    }
    Ok(draft)
}

/// Bytes of a copy at most.
fn size(draft: &Draft) -> usize {
    let Some(addresses) = &draft.addresses else { return 0 };
    let (mut shown, mut blind) = (0, 0);
    for entry in &addresses.entries {
        let size = entry.size();
        match entry.used {
            Use::Blind => blind = blind.max(size),
            _ => shown += size + " delivered='true'".len(),
        }
    }
    // Two addresses in the header, six bytes for each that is escaped; an envelope around it.
    let header = 6 * (draft.from.as_str().len() + draft.id.as_ref().map_or(0, String::len)) + 4096;
    draft.before.len() + draft.after.len() + shown + blind + header
}

/// The refusal in a failure; what the store says goes on.
pub(crate) fn refusal<T>(outcome: Outcome<T>) -> Outcome<Result<T, Refusal>> {
    match outcome {
        Ok(found) => Ok(Ok(found)),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(failure @ Failure::Store(_)) => Err(failure),
    }
}
