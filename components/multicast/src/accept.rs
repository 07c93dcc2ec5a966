//! Whether a stanza with addresses is accepted, and who gets it (XEP-0033 §3, §6, §9).

use std::sync::Arc;

use annex_service::context::{Context, Failure, Outcome};
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
    // XEP-0033 §9: what was delivered to is not counted.
    let is_receiver = |used| matches!(used, Use::Open | Use::Blind);
    let given = addresses.entries.iter();
    let given = given.filter(|one| is_receiver(one.used) && !one.delivered).count();
    let limit = access::limit(&stanza.from, settings, common);
    if given > limit {
        return Err(refusals::too_many(limit, given).into());
    }
    let mut candidates = Vec::with_capacity(addresses.entries.len());
    let mut told = Told::default();
    let (mut near, mut ours) = (false, false);
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
        match lists::members(&list, &stanza.from, context)? {
            Ok(members) => {
                if !members.is_empty() {
                    told.sent.push(list);
                }
                for jid in members {
                    let near = access::is_near(&jid, common);
                    candidates.push(Target { jid, entry: number, listed: true, rank, near });
                }
            }
            Err(fault) => addresses.entries[number].fault = Some(fault),
        }
    }
    let bad: Vec<_> = addresses
        .entries
        .iter()
        .filter_map(|one| Some(Bad { fault: one.fault?, written: addresses.written(one) }))
        .collect();
    let targets = deliver::select(candidates);
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
    access::relay(&stanza.from, &addresses, &targets, common)?;
    let draft = Draft::new(stanza, Some(addresses));
    if size(&draft) > common.stanza_out {
        return Err(refusals::too_large().into());
    }
    let refused = (!bad.is_empty()).then(|| refusals::bad_addresses(&bad));
    told.refused = bad;
    Ok(Prepared { draft: draft.into(), targets, refused, told })
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
