//! Copies leave: ours, and those for the services of other servers; and what comes back of them.

use std::{collections::BTreeMap, sync::Arc};

use annex_service::{
    context::{Context, Outcome},
    effect::{Effect, Lane},
};
use annex_stanza::{
    Audience, Condition, Jid, Outgoing, Refusal, Stanza, Template, read_error, refuse,
};

use crate::{
    accept::Mode,
    deliver::{self, Copies, Draft, Target},
    from_probe::Verdict,
    privilege, refusals, retell,
    service::Multicast,
};

/// When copies leave, and whether they are noted until they have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Now; the caller knows how they are told again.
    Now,
    /// Now, noted.
    Noted,
    /// In their turn, behind what is still to be told again.
    Later,
}

/// Bytes of what services of other servers get of one stanza. Where there are many of them, or one
/// takes little at once, single stanzas, which share what is inside, are less.
const RELAYED_BYTES: usize = 1024 * 1024;
/// Parts for one service: each has all that is shown, and takes a look at every entry.
const PARTS: usize = 64;

/// Tells the sender of the entries that failed by themselves.
pub(crate) fn complain(stanza: &Stanza, refused: Option<&Refusal>, context: &mut Context<'_, '_>) {
    let error = refused.and_then(|refusal| refuse(stanza, refusal));
    if let Some(error) = error {
        context.turn.send_in(Lane::of(&stanza.from), &error, &stanza.from);
    }
}

/// Sends the copies to these; gives those that the services of other servers deliver.
pub(crate) fn deliver(
    multicast: &mut Multicast,
    draft: &Arc<Draft>,
    mut targets: Vec<Target>,
    mode: Mode,
    when: When,
    context: &mut Context<'_, '_>,
) -> BTreeMap<Jid, Jid> {
    multicast.listed.note(draft, &targets, context.turn.since_start());
    let mut relayed = BTreeMap::new();
    let mut plans = Vec::new();
    // What leaves later may do so when nobody knows any more what to do with a bounce.
    if mode == Mode::Kept && multicast.settings.remote && when != When::Later {
        let mut far = BTreeMap::<&str, Vec<&Target>>::new();
        for target in &targets {
            if !target.listed && !target.near {
                far.entry(target.jid.domain_key()).or_default().push(target);
            }
        }
        let (mut room, mut size) = (RELAYED_BYTES, 0);
        let mut is_strict = None;
        for (domain, mut group) in far.into_iter().filter(|(_, group)| group.len() > 1) {
            let Some(found) = multicast.remote.find(domain, &multicast.settings, context) else {
                continue;
            };
            group.retain(|one| deliver::is_strict_for(draft, one));
            if !*is_strict.get_or_insert_with(|| deliver::is_strict(draft)) {
                continue;
            }
            let takes = found.takes(draft.kind);
            let mut left = group.len().div_ceil(takes);
            // As large as the one before, roughly.
            if left > PARTS || left * size > room {
                continue;
            }
            for chunk in group.chunks(takes).filter(|chunk| chunk.len() > 1) {
                let copy = deliver::relayed(draft, chunk, &found.service);
                size = copy.payload.len();
                if size + 4096 > context.shared.common.stanza_out || size * left > room {
                    break;
                }
                let kept = &mut multicast.remote.relayed;
                let Some(id) = kept.keep(&found.service, draft, chunk, context) else {
                    break;
                };
                (room, left) = (room - size, left - 1);
                let told = chunk.iter().map(|one| (one.jid.clone(), found.service.clone()));
                relayed.extend(told);
                plans.push((copy, id));
            }
        }
    }
    if !relayed.is_empty() {
        targets.retain(|one| !relayed.contains_key(&one.jid));
    }
    let all = deliver::copies(draft, targets).into_iter().map(|copies| (copies, draft.id.clone()));
    let lane = Lane::of(&draft.from);
    let service = context.shared.common.jid.clone();
    let (mut sent, mut envelope) = (0, None);
    for (copies, id) in all.chain(plans) {
        sent += copies.audience.len();
        if when != When::Now {
            retell::note_presence(draft, id.as_deref(), &copies, context);
        }
        if when == When::Later {
            continue;
        }
        let made = match mode {
            Mode::Kept => Some(kept(draft, id, copies)),
            Mode::Privilege(ns) => {
                let envelope =
                    envelope.get_or_insert_with(|| multicast.privileges.remember(draft, context));
                privilege::wrapped(draft, &copies, ns, &service, envelope)
            }
        };
        if let Some((template, audience)) = made {
            context.turn.fanout(lane, template, audience);
        }
    }
    let by = u64::try_from(sent).unwrap_or(u64::MAX);
    let metric = "annex_multicast_copies_total";
    context.turn.emit(Effect::Count { metric, label: None, by });
    relayed
}

/// The copies as a template, in the sender's own name (XEP-0033 §3).
fn kept(draft: &Draft, id: Option<String>, copies: Copies) -> (Template, Audience) {
    let stanza = Outgoing {
        kind: draft.kind,
        from: draft.from.clone(),
        id,
        lang: draft.lang.clone(),
        payload: copies.payload,
    };
    (Template::with_slots(&stanza, copies.slot.as_slice()), copies.audience)
}

/// The server gives back a copy for its sender: Prosody does so to whoever handed it over. That of a
/// member of a list ends here: the sender does not learn who its members are.
pub(crate) fn returned(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let now = context.turn.since_start();
    if bounced(multicast, stanza, context)
        || multicast.probe.verdict != Verdict::Kept
        || multicast.listed.is_about_one(stanza, now)
    {
        return Ok(());
    }
    let mut told = Outgoing {
        kind: stanza.kind,
        from: stanza.from.clone(),
        id: stanza.id.clone(),
        lang: stanza.lang.clone(),
        payload: stanza.payload.bytes().to_vec(),
    };
    if is_not_taken(stanza) {
        // In the name of an address that the server does not take, it would not take this either.
        told.from = context.shared.common.jid.clone();
        told.payload = refusals::not_taken(&stanza.from).xml();
    }
    context.turn.send_in(Lane::of(&stanza.to), &told, &stanza.to);
    Ok(())
}

/// Our server does not take the address: Prosody calls that `jid-malformed`. ejabberd says no more
/// than `bad-request`, as others do of other things.
fn is_not_taken(error: &Stanza) -> bool {
    match read_error(error).map(|(_, condition, _)| condition) {
        Some(Condition::JidMalformed) => true,
        Some(Condition::BadRequest) => !error.from.is_strict(),
        _ => false,
    }
}

/// A service of another server gives back what it was to deliver: its users get a stanza each,
/// once. Whether that is what the error is about.
pub(crate) fn bounced(
    multicast: &mut Multicast,
    error: &Stanza,
    context: &mut Context<'_, '_>,
) -> bool {
    let Some(back) = multicast.remote.bounced(error, &multicast.settings, context) else {
        return false;
    };
    if multicast.probe.verdict != Verdict::Kept {
        return true;
    }
    for copies in deliver::copies(&back.draft, back.targets) {
        let (template, audience) = kept(&back.draft, back.draft.id.clone(), copies);
        context.turn.fanout(Lane::of(&back.draft.from), template, audience);
    }
    true
}
