//! Self-ping (XEP-0410): a client asks whether it is still in the room, and the room answers itself
//! (§3.3, the optimisation that service discovery tells of).
//!
//! Requests to other occupants are not relayed yet: they are refused, by one who is in the room and
//! towards one who is, with `service-unavailable`.

use annex_service::{
    context::{Context, Outcome},
    registry::Answer,
};
use annex_stanza::{ErrorType, Stanza};

use crate::{refusals, service::Muc};

/// A ping to `room@service/nick`.
pub(crate) fn ping(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    // §3.3, example 2. Also where there is no such room: `item-not-found` would tell the client that
    // it is in there (§3.2).
    let stranger =
        || refusals::not_in_room().with_type(ErrorType::Cancel).by(stanza.to.bare()).into();
    let Some(room) = muc.rooms.find(&stanza.to, context)? else { return Err(stranger()) };
    let now = context.turn.since_start();
    let Some(session) = room.sessions.get_mut(&stanza.from) else { return Err(stranger()) };
    session.hear(now);
    let number = session.occupant;
    match room.occupant_at(&stanza.to) {
        None => Err(refusals::no_such_nick().into()),
        // Any session of the occupant may ask, whichever is shown.
        Some(occupant) if occupant.number == number => Ok(Answer::Result(Vec::new())),
        Some(_) => Err(refusals::unknown().into()),
    }
}

/// §6.6: a stranger who asks what an occupant is has asked for the wrong thing.
pub(crate) fn disco(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    if let Some(room) = muc.rooms.find(&stanza.to, context)?
        && !room.hides_from(&stanza.from)
        && !room.sessions.contains_key(&stanza.from)
    {
        return Err(refusals::asks_as_stranger().into());
    }
    request(muc, stanza, context)
}

/// Any other request to an occupant.
pub(crate) fn request(
    muc: &mut Muc,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<Answer> {
    let Some(room) = muc.rooms.find(&stanza.to, context)? else {
        return Err(refusals::no_room().into());
    };
    if !room.sessions.contains_key(&stanza.from) {
        return Err(room.refuse_stranger(&stanza.from).into());
    }
    let known = room.occupant_at(&stanza.to).is_some();
    Err(if known { refusals::unknown() } else { refusals::no_such_nick() }.into())
}
