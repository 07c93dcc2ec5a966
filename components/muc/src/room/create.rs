//! Creating a room by entering it (XEP-0045 §10.1.1).

use annex_service::{
    context::{Context, Outcome},
    effect::Timer,
    record::Record,
    store::StoreError,
    turn::Turn,
};
use annex_stanza::{Chunks, Jid, Nick, Stanza, Timestamp};

use super::{
    Room,
    affiliation::{self, Affiliation},
    join, listed, load,
};
use crate::{
    config::{Create, Settings},
    keys::{self, AffiliationRecord, Name, RoomRecord},
    refusals,
    service::{Muc, TIMER_LOCK},
};

/// Presence of one who wants to enter a room that does not exist.
pub(crate) fn create(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Muc { rooms, settings, .. } = muc;
    let Some(wanted) = stanza.to.resource() else { return Err(refusals::no_nick().into()) };
    may_create(settings, &stanza.from, context)?;
    let nick = Nick::check(wanted).map_err(|error| refusals::bad_nick(&error))?;
    if wanted.len() > settings.max_nick {
        return Err(refusals::long_nick(settings.max_nick).into());
    }
    let person = stanza.from.bare();
    if person.key().len() > keys::LONGEST_NAME {
        return Err(refusals::bad_address().into());
    }
    let lock = i64::try_from(settings.lock_timeout.as_micros()).unwrap_or(i64::MAX);
    let locked = (lock > 0).then(|| context.turn.wall().plus(lock));
    let mut room = new_room(&stanza.to, &person, settings, locked, context)?;
    // §10.1.1: the creator is the owner; 201 says that the room is new.
    let entry = join::Entry { stanza, nick, affiliation: Affiliation::Owner, codes: &[201] };
    join::add(&mut room, entry, Chunks::new(), context)?;
    rooms.insert(room);
    Ok(())
}

/// A room of its own records, owned by `owner`, with nobody in it.
pub(crate) fn new_room(
    address: &Jid,
    owner: &Jid,
    settings: &Settings,
    locked: Option<Timestamp>,
    context: &mut Context<'_, '_>,
) -> Outcome<Room> {
    let jid = load::address(address.local().unwrap_or_default(), context)
        .map_err(|_| refusals::bad_room_name())?;
    let Some(key) = jid.local_key() else { return Err(refusals::bad_room_name().into()) };
    if key.len() > keys::LONGEST_NAME {
        return Err(refusals::bad_room_name().into());
    }
    let created = created_by(context.turn, owner.key())?;
    let is_admin = context.shared.common.is_admin(owner);
    if !is_admin && settings.rooms_per_creator > 0 && created >= settings.rooms_per_creator {
        return Err(refusals::too_many_rooms().into());
    }
    let wall = context.turn.wall();
    let record = RoomRecord {
        local: key.to_owned(),
        created: wall.0,
        creator: owner.key().to_owned(),
        locked: locked.map(|at| at.0),
        config: settings.room.clone(),
    };
    let id = context.turn.stamp();
    set_created_by(context.turn, owner.key(), created + 1);
    Name { room: id }.save(context.turn, key.as_bytes());
    let owned = AffiliationRecord {
        jid: owner.as_str().to_owned(),
        affiliation: Affiliation::Owner,
        nick: None,
        reason: None,
        at: wall.0,
    };
    affiliation::store(context.turn, id, owner.key(), None, Some(&owned));
    let mut room = Room::new(id, jid, record);
    room.touched = context.turn.since_start();
    room.save(context.turn);
    match locked {
        Some(at) => context.shared.due.set(context.turn, at, Timer { kind: TIMER_LOCK, id }),
        None => listed::list(&room, context.turn)?,
    }
    context.turn.count("annex_muc_rooms_created_total", None);
    Ok(room)
}

/// §10.1.1: the privilege to create rooms may be restricted.
fn may_create(settings: &Settings, jid: &Jid, context: &Context<'_, '_>) -> Outcome<()> {
    let common = &context.shared.common;
    let may = match settings.create {
        Create::Anyone => true,
        Create::Local => common.is_local(jid) || common.is_admin(jid),
        Create::Admins => common.is_admin(jid),
    };
    if may { Ok(()) } else { Err(refusals::may_not_create().into()) }
}

/// How many rooms somebody has created that still exist.
pub(crate) fn created_by(turn: &Turn<'_>, person: &str) -> Result<u32, StoreError> {
    keys::count(turn, keys::CREATORS, person.as_bytes())
}

/// Writes that number.
pub(crate) fn set_created_by(turn: &mut Turn<'_>, person: &str, count: u32) {
    keys::set_count(turn, keys::CREATORS, person.as_bytes(), count);
}
