//! What was told and may not have arrived, because the process or the stream broke, is told again,
//! in its order and a page a turn, once it is known that the server lets it leave. Until then
//! nothing is confirmed, and presence that ends meanwhile waits behind it.

use annex_service::{
    context::{Context, Outcome},
    effect::{Effect, Lane, Timer},
    record::Record,
};
use annex_stanza::{
    Audience, Fill, Jid, Kind, Outgoing, PresenceType, Recipient, Slot, Stanza, Template,
};

use crate::{
    accept::{self, Mode},
    address::unescape,
    deliver::{Copies, Draft},
    from_probe::Verdict,
    keys::{Note, ToldRecord},
    send::{self, When},
    service::Multicast,
};

/// The next page.
pub(crate) const TIMER: Timer = Timer { kind: 35, id: 0 };

/// How far it has come.
#[derive(Debug)]
pub(crate) struct Retelling {
    /// The confirmed mark.
    confirmed: u64,
    /// Key of the last note that was told.
    after: Option<Vec<u8>>,
}

/// Bytes of a message that is noted at most. One that names thousands would cost more to write down
/// than to send.
const NOTED: usize = 64 * 1024;

/// Notes a message until the server has its copies.
pub(crate) fn note_message(stanza: &Stanza, context: &mut Context<'_, '_>) {
    if stanza.payload.bytes().len() > NOTED {
        return;
    }
    note(&Note::Message(stanza.render()), context);
}

/// Notes presence until the server has it.
pub(crate) fn note_presence(draft: &Draft, copies: &Copies, context: &mut Context<'_, '_>) {
    let told = ToldRecord {
        from: draft.from.as_str().to_owned(),
        available: draft.kind == Kind::Presence(PresenceType::Available),
        id: draft.id.clone(),
        lang: draft.lang.clone(),
        payload: copies.payload.clone(),
        slot: copies.slot.and_then(|slot| u64::try_from(slot.at).ok()),
        recipients: copies.audience.iter().map(recipient).collect(),
    };
    note(&Note::Presence(told), context);
}

/// Its address, and its own entry if it has one that is not in the payload.
fn recipient(recipient: &Recipient) -> (String, Option<Vec<u8>>) {
    let jid = unescape(&String::from_utf8_lossy(&recipient.to)).into_owned();
    let own = recipient.slots.as_ref().and_then(|own| own.first());
    (jid, own.map(|own| own.to_vec()))
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
    if multicast.probe.verdict != Verdict::Kept {
        return Ok(());
    }
    let Some(mut retelling) = multicast.retelling.take() else { return Ok(()) };
    let page = context.shared.unconfirmed.pending(
        context.turn,
        retelling.confirmed,
        retelling.after.as_deref(),
    )?;
    let notes: Result<Vec<Note>, _> = page.rows.iter().map(Note::of).collect();
    for note in notes? {
        match note {
            Note::Message(bytes) => message(multicast, &bytes, context)?,
            Note::Presence(told) => presence(told, context),
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
fn message(multicast: &mut Multicast, bytes: &[u8], context: &mut Context<'_, '_>) -> Outcome<()> {
    let Some(stanza) = Stanza::parse(bytes) else { return Ok(()) };
    if let Ok(prepared) = accept::refusal(accept::prepare(multicast, &stanza, context))? {
        let (draft, targets) = (&prepared.draft, prepared.targets);
        send::deliver(multicast, draft, targets, Mode::Kept, When::Now, context);
    }
    Ok(())
}

fn presence(told: ToldRecord, context: &mut Context<'_, '_>) {
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
    let fill = match told.recipients.iter().any(|(_, own)| own.is_some()) {
        true => Fill::Own(0),
        false => Fill::To,
    };
    let slot = told.slot.and_then(|at| usize::try_from(at).ok()).map(|at| Slot { at, fill });
    let template = Template::with_slots(&stanza, slot.as_slice());
    let audience: Audience = (told.recipients.into_iter())
        .filter_map(|(jid, own)| {
            let to = Jid::parse(&jid).ok()?.escaped();
            Some(Recipient { to, slots: own.map(|own| vec![own.into()].into()) })
        })
        .collect();
    context.turn.fanout(Lane::of(&from), template, audience);
}
