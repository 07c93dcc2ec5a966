//! Presence to many (XEP-0033 §5.1): who got available presence is remembered with its sender, on
//! disk, and gets the unavailable presence too.

use std::collections::BTreeSet;

use annex_service::{
    basic,
    context::{Context, Outcome},
    record::Record,
};
use annex_stanza::{Jid, Kind, PresenceType, Stanza, ns};

use crate::{
    accept::{self, Mode, Prepared},
    access,
    deliver::{Draft, Rank, Target},
    from_probe::Verdict,
    keys::{LONGEST, ORIGINS, OriginRecord},
    refusals,
    send::{self, When},
    service::Multicast,
};

/// Of presence that was refused, and told to those who must know.
const ONLY: &str = "only those who had your presence got this";

/// Presence to the service.
pub(crate) fn presence(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let addressed = stanza.payload.has(ns::ADDRESS, "addresses");
    match stanza.kind {
        Kind::Presence(PresenceType::Error) => {
            send::bounced(multicast, stanza, context);
        }
        // XEP-0033 §3
        Kind::Presence(_) if addressed && stanza.to.resource().is_some() => {
            return Err(refusals::not_service().into());
        }
        Kind::Presence(PresenceType::Available) => {
            multicast.sweep.heard(&stanza.from);
            if addressed {
                return available(multicast, stanza, context);
            }
        }
        Kind::Presence(PresenceType::Unavailable) => {
            multicast.sweep.heard(&stanza.from);
            return unavailable(multicast, stanza, addressed, context);
        }
        // Subscriptions are between two; the servers keep their state.
        _ if addressed => return Err(refusals::presence_type().into()),
        Kind::Presence(kind) => return basic::presence(kind, stanza, context.turn),
        _ => {}
    }
    Ok(())
}

fn available(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let mode = accept::mode(multicast, stanza)?;
    if when(multicast) == When::Later {
        return Err(refusals::not_yet().into());
    }
    let prepared = accept::prepare(multicast, stanza, context)?;
    let key = stanza.from.key();
    if key.len() > LONGEST {
        return Err(refusals::long_address().into());
    }
    let known = OriginRecord::load(context.turn, key.as_bytes())?;
    let mut record = known.unwrap_or_else(|| OriginRecord {
        jid: stanza.from.as_str().to_owned(),
        recipients: Vec::new(),
    });
    let old = addresses(&record);
    let there: BTreeSet<&str> = old.iter().map(Jid::key).collect();
    let new = prepared.targets.iter().filter(|one| !there.contains(one.jid.key()));
    record.recipients.extend(new.map(|one| one.jid.as_str().to_owned()));
    if record.recipients.len() > multicast.settings.presence_recipients {
        return Err(refusals::too_many_remembered().into());
    }
    if record.recipients.len() > old.len() {
        record.save(context.turn, key.as_bytes());
    }
    send::deliver(multicast, &prepared.draft, prepared.targets, mode, When::Noted, context);
    send::complain(stanza, prepared.refused.as_ref(), context);
    Ok(())
}

/// Presence leaves in its order: behind what is still to be told again, and when the server lets it.
fn when(multicast: &Multicast) -> When {
    let waits = multicast.retelling.is_some() || multicast.probe.verdict != Verdict::Kept;
    if waits { When::Later } else { When::Noted }
}

/// Those who got available presence get this, whoever is addressed.
fn unavailable(
    multicast: &mut Multicast,
    stanza: &Stanza,
    addressed: bool,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Some(record) = load(&stanza.from, context)? else {
        if addressed {
            let mode = accept::mode(multicast, stanza)?;
            let prepared = accept::prepare(multicast, stanza, context)?;
            let when = when(multicast);
            send::deliver(multicast, &prepared.draft, prepared.targets, mode, when, context);
            send::complain(stanza, prepared.refused.as_ref(), context);
        }
        return Ok(());
    };
    // Whatever is wrong with its addresses, it is told to those who must know, as soon as the server
    // lets it.
    let leaves = multicast.probe.verdict == Verdict::Kept || multicast.retelling.is_some();
    let prepared = match addressed {
        true if !leaves || multicast.probe.verdict == Verdict::Refused => {
            Err(multicast.probe.refusal())
        }
        true => accept::refusal(accept::prepare(multicast, stanza, context))?,
        false => Ok(nobody(stanza)),
    };
    let refused = prepared.as_ref().err().cloned().map(|mut refusal| {
        refusal.text = refusal.text.map(|text| text.replace("nobody got this", ONLY).into());
        refusal
    });
    let prepared = prepared.unwrap_or_else(|_| nobody(stanza));
    // Where only messages may leave, nothing waits for better times: those who must know stay
    // remembered.
    if leaves {
        tell_gone(multicast, &record, &prepared, context);
    }
    let Prepared { draft, targets, refused: partly, .. } = prepared;
    if draft.addresses.is_some() {
        send::deliver(multicast, &draft, targets, Mode::Kept, when(multicast), context);
    }
    send::complain(stanza, refused.or(partly).as_ref(), context);
    Ok(())
}

fn nobody(stanza: &Stanza) -> Prepared {
    Prepared::new(Draft::new(stanza, None), Vec::new())
}

/// The record of a sender.
pub(crate) fn load(
    origin: &Jid,
    context: &Context<'_, '_>,
) -> Result<Option<OriginRecord>, annex_service::store::StoreError> {
    if origin.key().len() > LONGEST {
        return Ok(None);
    }
    OriginRecord::load(context.turn, origin.key().as_bytes())
}

fn addresses(record: &OriginRecord) -> Vec<Jid> {
    record.recipients.iter().filter_map(|text| Jid::parse(text).ok()).collect()
}

/// Forgets a sender, and tells those who are remembered, but for those whom `told` tells.
pub(crate) fn tell_gone(
    multicast: &mut Multicast,
    record: &OriginRecord,
    told: &Prepared,
    context: &mut Context<'_, '_>,
) {
    let others: BTreeSet<&str> = told.targets.iter().map(|one| one.jid.key()).collect();
    let left = addresses(record).into_iter().filter(|jid| !others.contains(jid.key()));
    let common = &context.shared.common;
    let target = |jid: Jid| {
        let near = access::is_near(&jid, common);
        Target { jid, entry: 0, listed: false, rank: Rank::Open, near }
    };
    let targets = left.map(target).collect();
    let draft = Draft { addresses: None, ..(*told.draft).clone() };
    context.turn.delete(ORIGINS, told.draft.from.key().as_bytes());
    send::deliver(multicast, &draft.into(), targets, Mode::Kept, when(multicast), context);
}

/// The sender is gone without a word: those who are remembered are told.
pub(crate) fn vanished(
    multicast: &mut Multicast,
    origin: &Jid,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Some(record) = load(origin, context)? else { return Ok(()) };
    let draft = Draft {
        kind: Kind::Presence(PresenceType::Unavailable),
        from: origin.clone(),
        id: None,
        lang: None,
        before: Vec::new(),
        after: Vec::new(),
        addresses: None,
    };
    tell_gone(multicast, &record, &Prepared::new(draft, Vec::new()), context);
    Ok(())
}
