//! A stanza with addresses arrives: who may, who gets it, and its sending (XEP-0033 §3, §6).

use std::collections::BTreeMap;

use annex_service::{
    context::{Context, Failure, Outcome},
    effect::Lane,
};
use annex_stanza::{
    Audience, Jid, Kind, MessageType, Outgoing, Recipient, Refusal, Slot, Stanza, Template, refuse,
};

use crate::{
    access,
    address::{Addresses, Fault, Use},
    deliver::{self, Candidate, Copies, Draft, Rank, Target},
    from_probe::Verdict,
    lists, presence, privilege, refusals,
    report::{self, Told},
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
    pub(crate) draft: Draft,
    pub(crate) targets: Vec<Target>,
    /// Entries that fail by themselves.
    pub(crate) refused: Option<Refusal>,
    told: Vec<(String, &'static str)>,
}

impl Prepared {
    /// For these, without a check.
    pub(crate) fn new(draft: Draft, targets: Vec<Target>) -> Self {
        Self { draft, targets, refused: None, told: Vec::new() }
    }
}

/// A message to the service.
pub(crate) fn message(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    if stanza.kind == Kind::Message(MessageType::Error) {
        bounced(multicast, stanza, context);
        return Ok(());
    }
    if multicast.probe.take(stanza, context) {
        return presence::tell_again(multicast, context);
    }
    if multicast.privileges.take(stanza, context) {
        return Ok(());
    }
    // XEP-0033 §3: without local part and resource.
    if stanza.to.resource().is_some() {
        return Err(refusals::not_service().into());
    }
    let mode = mode(multicast, stanza)?;
    let prepared = prepare(multicast, stanza, context)?;
    let relayed = deliver(multicast, &prepared, mode, false, context);
    complain(stanza, &prepared, context);
    if report::is_wanted(stanza) {
        tell(stanza, prepared, &relayed, context);
    }
    Ok(())
}

/// Whatever else is written to an address at the service that is not the service.
pub(crate) fn elsewhere(
    _: &mut Multicast,
    stanza: &Stanza,
    _: &mut Context<'_, '_>,
) -> Outcome<()> {
    match stanza.kind {
        // XEP-0033 §3
        Kind::Message(_) => Err(refusals::not_service().into()),
        _ => Ok(()),
    }
}

/// Whether, and in whose name, the sender's stanza may leave.
pub(crate) fn mode(multicast: &Multicast, stanza: &Stanza) -> Result<Mode, Refusal> {
    match multicast.probe.verdict {
        Verdict::Kept => return Ok(Mode::Kept),
        Verdict::Unknown if !multicast.settings.privilege => return Err(refusals::not_yet()),
        Verdict::Refused if !multicast.settings.privilege => return Err(refusals::not_permitted()),
        Verdict::Unknown | Verdict::Refused => {}
    }
    // XEP-0356 §4: messages of users of the server that gave the permission.
    if !matches!(stanza.kind, Kind::Message(_)) {
        return Err(refusals::no_presence());
    }
    let ns = multicast.privileges.of(stanza.from.domain_key());
    ns.map(Mode::Privilege).ok_or_else(refusals::not_permitted)
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
        let sender = stanza.from.bare_key();
        addresses.entries.retain(|entry| {
            entry.used != Use::ReplyTo
                || entry.jid.as_ref().is_some_and(|jid| jid.bare_key() == sender)
        });
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
    for (number, entry) in addresses.entries.iter_mut().enumerate() {
        let (true, Some(jid)) = (is_receiver(entry.used), entry.jid.clone()) else { continue };
        let rank = match (entry.delivered, entry.used) {
            (true, _) => Rank::Delivered,
            (false, Use::Blind) => Rank::Blind,
            (false, _) => Rank::Open,
        };
        let candidate = |jid, listed| Candidate { jid, entry: number, listed, rank };
        if entry.delivered || jid.domain_key() != common.jid.domain_key() {
            candidates.push(candidate(jid, false));
            continue;
        }
        match lists::members(&jid, &stanza.from, context)? {
            Ok(members) => {
                candidates.extend(members.into_iter().map(|member| candidate(member, true)));
            }
            Err(fault) => entry.fault = Some(fault),
        }
    }
    let bad: Vec<_> = addresses
        .entries
        .iter()
        .filter_map(|one| Some((one.fault?, addresses.named(one), addresses.verbatim(one))))
        .collect();
    let targets = deliver::select(candidates);
    // An unknown type fails by itself in any case: XEP-0033 §4.7 leaves room for new ones.
    let fails_all = |(fault, ..): &&(Fault, _, _)| *fault != Fault::UnknownType;
    if !bad.is_empty()
        && (targets.is_empty() || (settings.whole && bad.iter().any(|one| fails_all(&one))))
    {
        return Err(refusals::bad_addresses(&bad).into());
    }
    access::relay(&stanza.from, targets.iter().map(|one| &one.jid), common)?;
    let draft = Draft::new(stanza, Some(addresses));
    if size(&draft) > common.stanza_out {
        return Err(refusals::too_large().into());
    }
    let refused = (!bad.is_empty()).then(|| refusals::bad_addresses(&bad));
    let told = bad.into_iter().map(|(fault, named, _)| (named, refusals::why(fault))).collect();
    Ok(Prepared { draft, targets, refused, told })
}

/// Bytes of a copy at most.
fn size(draft: &Draft) -> usize {
    let Some(addresses) = &draft.addresses else { return 0 };
    let (mut shown, mut blind) = (0, 0);
    for entry in &addresses.entries {
        let size = addresses.verbatim(entry).len();
        match entry.used {
            Use::Blind => blind = blind.max(size),
            _ => shown += size + " delivered='true'".len(),
        }
    }
    // Two addresses in the header, six bytes for each that is escaped; an envelope around it.
    let header = 6 * (draft.from.as_str().len() + draft.id.as_ref().map_or(0, String::len)) + 4096;
    draft.before.len() + draft.after.len() + shown + blind + header
}

/// Tells the sender of the entries that failed by themselves.
pub(crate) fn complain(stanza: &Stanza, prepared: &Prepared, context: &mut Context<'_, '_>) {
    let error = prepared.refused.as_ref().and_then(|refusal| refuse(stanza, refusal));
    if let Some(error) = error {
        context.turn.send_in(Lane::of(&stanza.from), &error, &stanza.from);
    }
}

fn tell(
    stanza: &Stanza,
    prepared: Prepared,
    relayed: &BTreeMap<Jid, Jid>,
    context: &mut Context<'_, '_>,
) {
    let mut told = Told { refused: prepared.told, ..Told::default() };
    for target in prepared.targets.into_iter().filter(|one| !one.listed) {
        match relayed.get(&target.jid) {
            Some(service) => told.relayed.push((target.jid, service.clone())),
            None => told.sent.push(target.jid),
        }
    }
    let common = &context.shared.common;
    let report = report::report(&common.jid, stanza.id.as_deref(), &told, common.stanza_out);
    context.turn.send_in(Lane::of(&stanza.from), &report, &stanza.from);
}

/// Sends the copies; gives those that the services of other servers deliver. `noted` says that they
/// are told again if they may not have arrived.
pub(crate) fn deliver(
    multicast: &mut Multicast,
    prepared: &Prepared,
    mode: Mode,
    noted: bool,
    context: &mut Context<'_, '_>,
) -> BTreeMap<Jid, Jid> {
    let draft = &prepared.draft;
    let mut relayed = BTreeMap::new();
    let mut plans = Vec::new();
    if mode == Mode::Kept && multicast.settings.remote && draft.addresses.is_some() {
        let mut far = BTreeMap::<&str, Vec<&Target>>::new();
        for target in &prepared.targets {
            if !target.listed && !access::is_near(&target.jid, &context.shared.common) {
                far.entry(target.jid.domain_key()).or_default().push(target);
            }
        }
        let now = context.turn.since_start();
        for (domain, group) in far.into_iter().filter(|(_, group)| group.len() > 1) {
            let Some(found) = multicast.remote.find(domain, &multicast.settings, context) else {
                continue;
            };
            for chunk in group.chunks(found.takes(draft.kind)).filter(|chunk| chunk.len() > 1) {
                let Some(copy) = deliver::relayed(draft, chunk, &found.service) else { continue };
                if copy.payload.len() + 4096 > context.shared.common.stanza_out {
                    continue;
                }
                multicast.remote.keep(&found.service, draft, chunk, now);
                let told = chunk.iter().map(|one| (one.jid.clone(), found.service.clone()));
                relayed.extend(told);
                plans.push(copy);
            }
        }
    }
    let single: Vec<&Target> =
        prepared.targets.iter().filter(|one| !relayed.contains_key(&one.jid)).collect();
    let mut all = deliver::copies(draft, &single);
    all.extend(plans);
    let lane = Lane::of(&draft.from);
    let service = context.shared.common.jid.clone();
    let mut sent = 0;
    for copies in all {
        sent += copies.recipients.len();
        if noted {
            presence::note(draft, &copies, context);
        }
        let made = match mode {
            Mode::Kept => Some(kept(draft, copies)),
            Mode::Privilege(ns) => privilege::wrapped(draft, &copies, ns, &service),
        };
        if let Some((template, audience)) = made {
            context.turn.fanout(lane, template, audience);
        }
    }
    let by = u64::try_from(sent).unwrap_or(u64::MAX);
    let metric = "annex_multicast_copies_total";
    context.turn.emit(annex_service::effect::Effect::Count { metric, label: None, by });
    relayed
}

/// The copies as a template, in the sender's own name (XEP-0033 §3).
pub(crate) fn kept(draft: &Draft, copies: Copies) -> (Template, Audience) {
    let Copies { payload, slot, recipients } = copies;
    let stanza = Outgoing {
        kind: draft.kind,
        from: draft.from.clone(),
        id: draft.id.clone(),
        lang: draft.lang.clone(),
        payload,
    };
    let slot = slot.map(|at| Slot { at, number: 0 });
    let template = Template::with_slots(&stanza, slot.as_slice());
    let audience = recipients
        .into_iter()
        .map(|(jid, own)| Recipient { to: jid.escaped(), slots: own.map(|own| [own].into()) })
        .collect();
    (template, audience)
}

/// The server gives back a copy for its sender: Prosody does so to whoever handed it over.
pub(crate) fn returned(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    if !bounced(multicast, stanza, context) && multicast.probe.verdict == Verdict::Kept {
        let error = Outgoing {
            kind: stanza.kind,
            from: stanza.from.clone(),
            id: stanza.id.clone(),
            lang: stanza.lang.clone(),
            payload: stanza.payload.bytes().to_vec(),
        };
        context.turn.send_in(Lane::of(&stanza.to), &error, &stanza.to);
    }
    Ok(())
}

/// A service of another server gives back what it was to deliver: its users get a stanza each,
/// once. Whether that is what the error is about.
pub(crate) fn bounced(
    multicast: &mut Multicast,
    error: &Stanza,
    context: &mut Context<'_, '_>,
) -> bool {
    let now = context.turn.since_start();
    let Some(back) = multicast.remote.bounced(error, &multicast.settings, now) else {
        return false;
    };
    if multicast.probe.verdict != Verdict::Kept {
        return true;
    }
    let targets: Vec<&Target> = back.targets.iter().collect();
    for copies in deliver::copies(&back.draft, &targets) {
        let (template, audience) = kept(&back.draft, copies);
        context.turn.fanout(Lane::of(&back.draft.from), template, audience);
    }
    true
}

/// The refusal in a failure; what the store says goes on.
pub(crate) fn refusal<T>(outcome: Outcome<T>) -> Outcome<Result<T, Refusal>> {
    match outcome {
        Ok(found) => Ok(Ok(found)),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(failure @ Failure::Store(_)) => Err(failure),
    }
}
