//! Entering a room (XEP-0045 §7.1, §7.2).

use std::time::Duration;

use annex_service::context::{Context, Outcome};
use annex_stanza::{Chunks, Jid, Nick, Stanza, Template, ns};

use super::{
    Room,
    affiliation::Affiliation,
    config::Whois,
    create, depart, history, nick,
    occupant::Occupant,
    presence::Asked,
    session::{self, Session, Shown},
    state, subject,
};
use crate::{
    config::Settings,
    feature::occupant_id,
    keys::{self, Note},
    refusals,
    service::Muc,
};

/// What a join asks for, in its `<x xmlns='http://jabber.org/protocol/muc'/>`.
#[derive(Debug, Default)]
pub(crate) struct Request {
    /// §7.2.5.
    pub(crate) password: Option<String>,
    /// §7.2.14.
    pub(crate) history: history::Limits,
}

impl Request {
    /// Leniently: what cannot be read was not asked for.
    pub(crate) fn of(stanza: &Stanza) -> Self {
        let Some(x) = stanza.payload.find(ns::MUC, "x") else { return Self::default() };
        let Ok(x) = stanza.payload.element(x) else { return Self::default() };
        Self {
            password: x.get_child("password", ns::MUC).map(minidom::Element::text),
            history: x
                .get_child("history", ns::MUC)
                .map_or_else(Default::default, history::Limits::of),
        }
    }
}

/// Seconds' worth of joins at once: after a restart of the server a whole room enters again.
const JOIN_BURST: u32 = 20;

/// Available presence with `<x xmlns='http://jabber.org/protocol/muc'/>`.
pub(crate) fn enter(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let request = Request::of(stanza);
    let Muc { rooms, settings, .. } = muc;
    let Some(room) = rooms.find(&stanza.to, context)? else {
        return create::create(muc, stanza, context);
    };
    let Some(wanted) = stanza.to.resource() else { return Err(refusals::no_nick().into()) };
    if let Some(occupant) = room.occupant_of(&stanza.from) {
        // §17.3: one who is in the room already lost synchronisation.
        let renamed = occupant.nick.as_str() != wanted;
        let (now, rate) = (context.turn.since_start(), settings.presences_per_second);
        let session = room.sessions.get_mut(&stanza.from);
        if session.is_some_and(|session| !session.may_move(now, rate)) {
            return Err(refusals::resync_rate().into());
        }
        let past = history::past(room, &request.history, &stanza.from, context)?;
        if renamed {
            nick::change(room, settings, stanza, context)?;
        }
        resync(room, stanza, past, context);
        return Ok(());
    }
    let affiliation = state::affiliation(context, settings, room.id, &stanza.from)?;
    let nick = admit(room, settings, stanza, &request, affiliation, context)?;
    let past = history::past(room, &request.history, &stanza.from, context)?;
    state::note_admin(context, settings, room, &stanza.from, "room/enter")?;
    let entry = Entry { stanza, nick, affiliation, codes: &[] };
    add(room, entry, past, context)
}

/// Whether one may enter. The order is fixed, and tells nobody more than he may know: lock, ban,
/// members, password, full, nickname.
fn admit(
    room: &mut Room,
    settings: &Settings,
    stanza: &Stanza,
    request: &Request,
    affiliation: Affiliation,
    context: &Context<'_, '_>,
) -> Outcome<Nick> {
    let config = &room.record.config;
    // §7.2.10
    if room.is_locked() && affiliation < Affiliation::Owner {
        return Err(refusals::locked().into());
    }
    // §7.2.7
    if affiliation == Affiliation::Outcast {
        return Err(refusals::banned().into());
    }
    // §7.2.6
    if config.members_only && affiliation < Affiliation::Member {
        return Err(refusals::members_only().into());
    }
    // §7.2.5; an owner can read the password anyway.
    if config.password.is_some()
        && config.password != request.password
        && affiliation < Affiliation::Owner
    {
        return Err(refusals::password().into());
    }
    let wanted = stanza.to.resource().unwrap_or_default();
    let same = room
        .occupant_named(wanted)
        .filter(|occupant| occupant.person.key() == stanza.from.bare_key());
    // §7.2.9: a further session is no further occupant.
    if same.is_none() && is_full(room, settings, affiliation) {
        return Err(refusals::full().into());
    }
    if same.is_some_and(|occupant| occupant.sessions.len() >= session::MOST) {
        return Err(refusals::too_many_sessions().into());
    }
    let nick = nick::judge(room, settings, wanted, &stanza.from, context)?;
    let now = context.turn.since_start();
    if !may_return(room, settings, &stanza.from, now) {
        return Err(refusals::resync_rate().into());
    }
    let rate = settings.joins_per_second;
    if !room.joins.take(now, rate, rate * JOIN_BURST) {
        return Err(refusals::join_rate().into());
    }
    Ok(nick)
}

/// Whoever comes and goes costs everybody as much as one who talks. All sessions of a person may
/// leave and return at once.
fn may_return(room: &mut Room, settings: &Settings, jid: &Jid, now: Duration) -> bool {
    room.leaves.retain(|_, leaves| leaves.is_in_use(now));
    let leaves = room.leaves.get(jid.bare_key()).copied().unwrap_or_default();
    settings.joins_per_second == 0 || leaves.allows(now, depart::LEAVES, session::MOST as u32)
}

/// XEP-0045 §7.2.9: admins and owners have some room above the limit.
pub(crate) fn is_full(room: &Room, settings: &Settings, affiliation: Affiliation) -> bool {
    let limits = [room.record.config.max_users, settings.max_users];
    let Some(limit) = limits.into_iter().filter(|limit| *limit > 0).min() else { return false };
    let headroom = if affiliation >= Affiliation::Admin { settings.max_users_headroom } else { 0 };
    room.occupants.len() >= limit as usize + headroom as usize
}

/// One who may enter.
pub(crate) struct Entry<'a> {
    /// The presence.
    pub(crate) stanza: &'a Stanza,
    /// The nickname.
    pub(crate) nick: Nick,
    /// The affiliation.
    pub(crate) affiliation: Affiliation,
    /// Status codes for the self-presence.
    pub(crate) codes: &'a [u16],
}

/// Adds the session, as a new occupant or to the one it is, and tells everybody.
pub(crate) fn add(
    room: &mut Room,
    entry: Entry<'_>,
    past: Chunks<Template>,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Entry { stanza, nick, affiliation, codes } = entry;
    let person = stanza.from.bare();
    // Addresses too long for a key are nobody's: no server hands them out.
    if person.key().len() > keys::LONGEST_NAME {
        return Err(refusals::bad_address().into());
    }
    let present = room.nicks.get(nick.key()).copied();
    let id = match present {
        Some(_) => None,
        None => occupant_id::stored(context.turn, room.id, person.key())?,
    };
    let number = match present {
        Some(number) => number,
        None => {
            let id = match id {
                Some(id) => id,
                None => occupant_id::give(context.turn, room.id, person.key()),
            };
            let role = affiliation.initial_role(&room.record.config);
            let left = room.left.remove(person.key());
            let mut occupant =
                Occupant::new(context.turn, &room.jid, nick, person, affiliation, role, &id)
                    .map_err(|_| refusals::no_nick())?;
            occupant.messages = left.unwrap_or_default();
            let number = occupant.number;
            room.add_occupant(occupant, context.turn);
            number
        }
    };
    room.remember_shown();
    let shown = Shown::of(stanza, &room.jid);
    let session = Session::new(context.turn, &stanza.from, number, shown);
    room.add_session(session, context.turn);
    context.turn.count("annex_muc_joins_total", None);
    greet(room, &stanza.from, codes, stanza.id.as_deref(), past, context);
    Ok(())
}

/// §17.3: everything that one who joins gets; the others are told only what changed.
fn resync(room: &mut Room, stanza: &Stanza, past: Chunks<Template>, context: &mut Context<'_, '_>) {
    let shown = Shown::of(stanza, &room.jid);
    let (stamp, wall) = (context.turn.stamp(), context.turn.wall().0);
    let heard = context.turn.since_start();
    room.remember_shown();
    let Some(session) = room.sessions.get_mut(&stanza.from) else { return };
    session.shown = shown;
    session.held = None;
    session.synced = stamp;
    session.active = wall;
    session.hear(heard);
    session.save(context.turn, room.id);
    room.unview(&stanza.from);
    greet(room, &stanza.from, &[], stanza.id.as_deref(), past, context);
}

/// §7.1: the others, oneself, history, subject, and from then on what happens.
pub(crate) fn greet(
    room: &mut Room,
    jid: &Jid,
    codes: &[u16],
    id: Option<&str>,
    past: Chunks<Template>,
    context: &mut Context<'_, '_>,
) {
    let Some(session) = room.sessions.get(jid) else { return };
    let (number, to, class) = (session.occupant, session.recipient(), room.class_of(session));
    let others = room.roster_but(class, number);
    context.turn.series(room.lane, others, to.clone());
    let mut codes = codes.to_vec();
    // §7.2.3
    if room.record.config.whois == Whois::Anyone {
        codes.push(100);
    }
    // §7.2.12
    if room.record.config.logging {
        codes.push(170);
    }
    room.publish(
        number,
        Asked { session: Some(jid), codes: &codes, id, ..Asked::default() },
        context,
    );
    context.turn.series(room.lane, past, to.clone());
    room.send(subject::template(room), to, context);
    room.view(jid);
    room.note(&Note::Joined { room: room.id, session: jid.as_str().to_owned() }, context);
}
