//! Presence to many (XEP-0033 §5.1): who got available presence is remembered with its sender, on
//! disk, and gets the unavailable presence too.
//!
//! What was told and may not have arrived, because the process or the stream broke, is told again,
//! in its order.

use std::collections::BTreeSet;

use annex_service::{
    basic,
    context::{Context, Outcome},
    effect::{Effect, Lane},
    record::Record,
};
use annex_stanza::{
    Audience, Jid, Kind, Outgoing, PresenceType, Recipient, Slot, Stanza, Template, ns,
};

use crate::{
    deliver::{Copies, Draft, Target},
    from_probe::Verdict,
    keys::{LONGEST, OriginRecord, ToldRecord},
    refusals,
    send::{self, Mode, Prepared},
    service::Multicast,
};

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
    let mode = send::mode(multicast, stanza)?;
    let prepared = send::prepare(multicast, stanza, context)?;
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
    send::deliver(multicast, &prepared, mode, true, context);
    send::complain(stanza, &prepared, context);
    Ok(())
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
            let mode = send::mode(multicast, stanza)?;
            let prepared = send::prepare(multicast, stanza, context)?;
            send::deliver(multicast, &prepared, mode, true, context);
            send::complain(stanza, &prepared, context);
        }
        return Ok(());
    };
    if multicast.probe.verdict == Verdict::Refused {
        // It stays, until the server lets it be told.
        return if addressed { Err(refusals::not_permitted().into()) } else { Ok(()) };
    }
    // Whatever is wrong with its addresses, it is told to those who must know.
    let prepared = match addressed {
        true => send::refusal(send::prepare(multicast, stanza, context))?,
        false => Ok(nobody(stanza)),
    };
    let refused = prepared.as_ref().err().cloned();
    let mut prepared = prepared.unwrap_or_else(|_| nobody(stanza));
    tell_gone(multicast, &record, &prepared, context);
    if prepared.draft.addresses.is_some() {
        send::deliver(multicast, &prepared, Mode::Kept, true, context);
    }
    prepared.refused = refused.or(prepared.refused);
    send::complain(stanza, &prepared, context);
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
    let target = |jid| Target { jid, entry: 0, listed: false, blind: false };
    let targets = left.map(target).collect();
    let draft = Draft { addresses: None, ..told.draft.clone() };
    context.turn.delete(crate::keys::ORIGINS, told.draft.from.key().as_bytes());
    send::deliver(multicast, &Prepared::new(draft, targets), Mode::Kept, true, context);
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

/// Notes what is told, until the server has it.
pub(crate) fn note(draft: &Draft, copies: &Copies, context: &mut Context<'_, '_>) {
    let record = ToldRecord {
        from: draft.from.as_str().to_owned(),
        available: draft.kind == Kind::Presence(PresenceType::Available),
        id: draft.id.clone(),
        lang: draft.lang.clone(),
        payload: copies.payload.clone(),
        slot: copies.slot.and_then(|slot| u64::try_from(slot).ok()),
        recipients: (copies.recipients.iter())
            .map(|(jid, own)| (jid.as_str().to_owned(), own.as_ref().map(|own| own.to_vec())))
            .collect(),
    };
    context.shared.unconfirmed.note(context.turn, record.encode().to_vec());
}

/// Reads what may not have arrived before the stream was up; it waits in memory until it is known
/// that it may leave.
pub(crate) fn gather(
    multicast: &mut Multicast,
    confirmed: u64,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let mut after: Option<Vec<u8>> = None;
    let mut found = Vec::new();
    loop {
        let page = context.shared.unconfirmed.pending(context.turn, confirmed, after.as_deref())?;
        found.extend(page.rows.iter().map(|row| row.value.to_vec()));
        after = page.rows.last().filter(|_| !page.complete).map(|row| row.key.to_vec());
        if after.is_none() {
            break;
        }
    }
    if !found.is_empty() {
        // Until then it stays noted.
        context.turn.emit(Effect::Retelling);
    }
    multicast.again = found;
    Ok(())
}

/// Tells again what may not have arrived.
pub(crate) fn tell_again(multicast: &mut Multicast, context: &mut Context<'_, '_>) -> Outcome<()> {
    let records: Result<Vec<ToldRecord>, _> =
        multicast.again.iter().map(|note| ToldRecord::decode(note)).collect();
    for record in records? {
        let Ok(from) = Jid::parse(&record.from) else { continue };
        let kind = match record.available {
            true => PresenceType::Available,
            false => PresenceType::Unavailable,
        };
        let stanza = Outgoing {
            kind: Kind::Presence(kind),
            from: from.clone(),
            id: record.id,
            lang: record.lang,
            payload: record.payload,
        };
        let slot = record.slot.and_then(|at| usize::try_from(at).ok());
        let slot = slot.map(|at| Slot { at, number: 0 });
        let template = Template::with_slots(&stanza, slot.as_slice());
        let audience: Audience = (record.recipients.into_iter())
            .filter_map(|(jid, own)| {
                let to = Jid::parse(&jid).ok()?.escaped();
                Some(Recipient { to, slots: own.map(|own| [own.into()].into()) })
            })
            .collect();
        context.turn.fanout(Lane::of(&from), template, audience);
    }
    multicast.again.clear();
    context.turn.emit(Effect::Retold);
    Ok(())
}
