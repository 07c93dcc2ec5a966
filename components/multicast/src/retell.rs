//! What was told and may not have arrived, because the process or the stream broke, is told again,
//! in its order and a page a turn, once it is known that the server lets it leave. Until then
//! nothing is confirmed, and presence that ends meanwhile waits behind it.

use std::sync::Arc;

use annex_service::{
    context::{Context, Outcome},
    effect::{Effect, Lane, Timer},
    record::Record,
};
use annex_stanza::{
    Audience, ErrorType, Fill, Jid, Kind, Outgoing, Own, PresenceType, Recipient, Slot, Stanza,
    Template,
};

use crate::{
    accept::{self, Prepared},
    address::unescape,
    deliver::{Copies, Draft},
    from_probe::Verdict,
    keys::{LONGEST, Note, OriginRecord, ToldRecord},
    message, presence, refusals, send,
    service::Multicast,
};

/// The next page.
pub(crate) const TIMER: Timer = Timer { kind: 35, id: 0 };

/// A message above both of these costs more to write down than to send.
const LARGE_BYTES: usize = 64 * 1024;
const LARGE_ADDRESSES: usize = 1_000;

/// How far it has come.
#[derive(Debug)]
pub(crate) struct Retelling {
    /// The confirmed mark.
    confirmed: u64,
    /// Key of the last note that was told.
    after: Option<Vec<u8>>,
}

/// Notes a message until the server has its copies; a large one to many when that takes a while.
pub(crate) fn note_message(stanza: &Stanza, prepared: &Prepared, context: &mut Context<'_, '_>) {
    let addresses = prepared.draft.addresses.as_ref().map_or(0, |all| all.entries.len());
    if stanza.payload.bytes().len() <= LARGE_BYTES || addresses <= LARGE_ADDRESSES {
        note(&Note::Message(stanza.render()), context);
        return;
    }
    let stanza = stanza.clone();
    let what = move || Note::Message(stanza.render()).encode().to_vec();
    context.shared.unconfirmed.note_late(context.turn, what);
}

/// Notes presence, which leaves with this id, until the server has it.
pub(crate) fn note_presence(
    draft: &Draft,
    id: Option<&str>,
    copies: &Copies,
    context: &mut Context<'_, '_>,
) {
    let mut told = ToldRecord {
        from: draft.from.as_str().to_owned(),
        available: draft.kind == Kind::Presence(PresenceType::Available),
        id: id.map(str::to_owned),
        lang: draft.lang.clone(),
        payload: copies.payload.clone(),
        slot: copies.slot.map(|slot| slot.at),
        entries: Vec::new(),
        recipients: Vec::with_capacity(copies.audience.len()),
    };
    for recipient in copies.audience.iter() {
        let jid = unescape(&String::from_utf8_lossy(&recipient.to)).into_owned();
        // Its own entry, if it has one that is not in the payload.
        let own = recipient.slots.as_ref().and_then(|slots| slots.first());
        told.push(jid, own.map(|own| (own.behind, &*own.bytes)));
    }
    note(&Note::Presence(told), context);
}

fn note(note: &Note, context: &mut Context<'_, '_>) {
    context.shared.unconfirmed.note(context.turn, note.encode().to_vec());
}

/// The stream is up; whether anything may leave on it is not known yet.
pub(crate) fn begin(multicast: &mut Multicast, confirmed: u64, context: &mut Context<'_, '_>) {
    context.turn.emit(Effect::Retelling);
    multicast.retelling = Some(Retelling { confirmed, after: None });
}

/// The stream is gone: what was noted stays so.
pub(crate) fn end(multicast: &mut Multicast, context: &mut Context<'_, '_>) {
    multicast.retelling = None;
    context.turn.disarm(TIMER);
}

/// Tells the next page again.
pub(crate) fn step(multicast: &mut Multicast, context: &mut Context<'_, '_>) -> Outcome<()> {
    let may_leave = match multicast.probe.verdict {
        Verdict::Unknown => false,
        Verdict::Kept => true,
        Verdict::Refused => multicast.has_permission(),
    };
    if !may_leave {
        return Ok(());
    }
    let Some(mut retelling) = multicast.retelling.take() else { return Ok(()) };
    let page = context.shared.unconfirmed.pending(
        context.turn,
        retelling.confirmed,
        retelling.after.as_deref(),
    )?;
    // What an older program noted in another way is told no more.
    for note in page.rows.iter().filter_map(|row| Note::of(row).ok()) {
        match note {
            Note::Message(bytes) => again(multicast, &bytes, context)?,
            Note::Presence(told) if multicast.probe.verdict == Verdict::Kept => {
                tell_presence(told, context);
            }
            Note::Presence(told) => keep(told, context)?,
        }
    }
    if page.complete {
        context.turn.emit(Effect::Retold);
    } else {
        retelling.after = page.rows.last().map(|row| row.key.to_vec());
        multicast.retelling = Some(retelling);
        context.turn.arm(TIMER, std::time::Duration::ZERO);
    }
    Ok(())
}

/// A message is accepted as if it came now, and nobody is told if it is not any more.
fn again(multicast: &mut Multicast, bytes: &[u8], context: &mut Context<'_, '_>) -> Outcome<()> {
    let Some(stanza) = Stanza::parse(bytes) else { return Ok(()) };
    let Ok(mode) = accept::mode(multicast, &stanza) else {
        interrupted(&stanza, context);
        return Ok(());
    };
    if let Ok(prepared) = accept::refusal(accept::prepare(multicast, &stanza, context))? {
        message::deliver(multicast, &stanza, prepared, mode, context);
    }
    Ok(())
}

/// Of what cannot be told again, its sender is told.
fn interrupted(stanza: &Stanza, context: &mut Context<'_, '_>) {
    tracing::warn!("a message was interrupted and may not leave any more; its sender is told");
    send::complain(stanza, Some(&refusals::interrupted().with_type(ErrorType::Wait)), context);
}

/// Presence cannot leave with a permission for messages: who must learn of its end stays remembered.
fn keep(told: ToldRecord, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Ok(from) = Jid::parse(&told.from) else { return Ok(()) };
    if told.available {
        return Ok(());
    }
    let known = presence::load(&from, context)?;
    let mut record =
        known.unwrap_or_else(|| OriginRecord { jid: told.from, recipients: Vec::new() });
    for (recipient, _) in told.recipients {
        if !record.recipients.contains(&recipient) {
            record.recipients.push(recipient);
        }
    }
    if from.key().len() <= LONGEST {
        record.save(context.turn, from.key().as_bytes());
    }
    Ok(())
}

fn tell_presence(told: ToldRecord, context: &mut Context<'_, '_>) {
    let Ok(from) = Jid::parse(&told.from) else { return };
    let kind = match told.available {
        true => PresenceType::Available,
        false => PresenceType::Unavailable,
    };
    let stanza = Outgoing {
        kind: Kind::Presence(kind),
        from: from.clone(),
        id: told.id,
        lang: told.lang,
        payload: told.payload,
    };
    let fill = if told.entries.is_empty() { Fill::To } else { Fill::Own(0) };
    let slot = told.slot.map(|at| Slot { at, fill });
    let template = Template::with_slots(&stanza, slot.as_slice());
    let own = |(behind, bytes): (_, Vec<u8>)| Arc::new(vec![Own { behind, bytes: bytes.into() }]);
    let entries: Vec<_> = told.entries.into_iter().map(own).collect();
    let audience: Audience = (told.recipients.into_iter())
        .filter_map(|(jid, own)| {
            let to = Jid::parse(&jid).ok()?.escaped();
            let slots = own.and_then(|number| entries.get(number).cloned());
            Some(Recipient { to, slots })
        })
        .collect();
    context.turn.fanout(Lane::of(&from), template, audience);
}
