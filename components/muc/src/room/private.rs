//! Private messages (XEP-0045 §7.5).

use annex_service::context::{Context, Outcome};
use annex_stanza::{Kind, MessageType, Outgoing, Stanza, Xml, ns};

use super::{errors, message, strip};
use crate::{refusals, service::Muc};

/// A message to `room@service/nick`.
pub(crate) fn message(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Kind::Message(kind) = stanza.kind else { return Ok(()) };
    match kind {
        MessageType::Error => return errors::error(muc, stanza, context),
        MessageType::Groupchat => return Err(refusals::private_groupchat().into()),
        _ => {}
    }
    let settings = &muc.settings;
    let Some(room) = muc.rooms.find(&stanza.to, context)? else {
        return Err(refusals::no_room().into());
    };
    let now = context.turn.since_start();
    let Some(session) = room.sessions.get_mut(&stanza.from) else {
        return Err(room.refuse_stranger(&stanza.from).into());
    };
    session.hear(now);
    let Some(sender) = room.occupants.get_mut(&session.occupant) else {
        return Err(refusals::not_in_room().into());
    };
    message::is_short(settings, stanza)?;
    if !sender.messages.take(now, settings.messages_per_second, settings.message_burst) {
        return Err(refusals::message_rate().into());
    }
    if !room.record.config.private.allows(sender.role) {
        return Err(refusals::private_policy().into());
    }
    let (from, id) = (sender.address.clone(), sender.id.clone());
    let Some(target) = room.occupant_at(&stanza.to) else {
        return Err(refusals::no_such_nick().into());
    };
    let mut xml = Xml::new();
    xml.raw(&strip::message(&stanza.payload, &room.jid)).leaf("x", ns::MUC_USER).raw(&id);
    let template = Outgoing {
        kind: stanza.kind,
        from,
        id: stanza.id.clone(),
        lang: stanza.lang.clone(),
        payload: xml.finish(),
    }
    .template();
    // §7.2.8: to all of the target's sessions.
    for session in target.sessions.iter().filter_map(|jid| room.sessions.get(jid)) {
        room.send(template.clone(), session.recipient(), context);
    }
    context.turn.count("annex_muc_private_messages_total", None);
    Ok(())
}
