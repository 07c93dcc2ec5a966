//! Telling again what may not have arrived (`annex_service::unconfirmed`): after a crash or a
//! reconnect, nobody rejoins, so nobody would notice a gap.
//!
//! All of it happens in the turn in which the stream came up, before anything new: what is
//! unconfirmed is what the daemon had under way, and that is bounded.

use std::collections::{BTreeMap, BTreeSet};

use annex_service::{
    context::{Context, Outcome},
    effect::{Effect, Lane},
    record::Record,
};
use annex_stanza::{Chunks, Jid, Recipient, Template, Xml, ns};

use super::{
    Room, Rooms,
    affiliation::{Affiliation, Role},
    history,
    item::{Item, gone_template},
    join,
    presence::Asked,
    session::Session,
    subject,
    viewers::Class,
};
use crate::{
    keys::{self, Gone, MessageRecord, Note},
    service::Muc,
};

/// Tells again everything above the mark.
pub(crate) fn retell(muc: &mut Muc, confirmed: u64, context: &mut Context<'_, '_>) -> Outcome<()> {
    let mut notes = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = context.shared.unconfirmed.pending(context.turn, confirmed, after.as_deref())?;
        notes.extend(page.rows.iter().filter_map(|row| Note::decode(&row.value)));
        match page.rows.last() {
            Some(last) if !page.complete => after = Some(last.key.to_vec()),
            _ => break,
        }
    }
    if notes.is_empty() {
        return Ok(());
    }
    tracing::info!(notes = notes.len(), "telling again what may not have arrived");
    let plan = Plan::of(&notes);
    for note in &notes {
        match note {
            Note::Gone(gone) => tell_gone(&mut muc.rooms, gone, &plan, context)?,
            Note::Destroyed { room, payload, sessions, nicks } => {
                tell_destroyed(&mut muc.rooms, room, (payload, sessions, nicks), context)?;
            }
            _ => {}
        }
    }
    for (room, occupants) in &plan.presence {
        let Some(room) = muc.rooms.find_by_id(*room, context)? else { continue };
        let joined = plan.joined_in(room);
        for number in occupants {
            room.present_again(*number, &joined, context);
        }
    }
    for (room, message) in &plan.messages {
        let Some(room) = muc.rooms.find_by_id(*room, context)? else { continue };
        let key = keys::of(room.id).u64(*message);
        let Some(record) = MessageRecord::load(context.turn, &key)? else { continue };
        let template = history::replay(room, &record);
        let joined = plan.joined_in(room);
        room.tell_since(*message, &template, &joined, context);
    }
    for (room, at) in &plan.subjects {
        let Some(room) = muc.rooms.find_by_id(*room, context)? else { continue };
        let joined = plan.joined_in(room);
        room.tell_since(*at, &subject::template(room), &joined, context);
    }
    for (room, sessions) in &plan.joined {
        let Some(room) = muc.rooms.find_by_id(*room, context)? else { continue };
        for jid in sessions {
            greet_again(room, jid, context)?;
        }
    }
    Ok(())
}

/// Notes put together by what they are about.
#[derive(Debug, Default)]
struct Plan {
    joined: BTreeMap<u64, BTreeSet<Jid>>,
    presence: BTreeMap<u64, BTreeSet<u64>>,
    messages: Vec<(u64, u64)>,
    subjects: BTreeMap<u64, u64>,
    /// Sessions that left or were removed, with the room's address: of those that joined again since
    /// nobody knows whether their clients ever saw it, and forgot who was there.
    removed: BTreeSet<(Jid, Jid)>,
}

impl Plan {
    fn of(notes: &[Note]) -> Self {
        let mut plan = Self::default();
        for note in notes {
            match note {
                Note::Joined { room, session } => {
                    if let Ok(jid) = Jid::parse(session) {
                        plan.joined.entry(*room).or_default().insert(jid);
                    }
                }
                Note::Presence { room, occupant } => {
                    plan.presence.entry(*room).or_default().insert(*occupant);
                }
                Note::Message { room, message } => plan.messages.push((*room, *message)),
                Note::Subject { room, at } => {
                    plan.subjects.insert(*room, *at);
                }
                Note::Gone(gone) => {
                    plan.removed(&gone.from, gone.selves.iter().map(|(jid, _)| jid));
                }
                Note::Destroyed { room, sessions, .. } => {
                    plan.removed(room, sessions.iter().map(|(_, jid)| jid));
                }
            }
        }
        plan
    }

    fn removed<'n>(&mut self, from: &str, sessions: impl Iterator<Item = &'n String>) {
        let Ok(room) = Jid::parse(from).map(|from| from.bare()) else { return };
        let sessions = sessions.filter_map(|jid| Jid::parse(jid).ok());
        self.removed.extend(sessions.map(|jid| (room.clone(), jid)));
    }

    /// Sessions of a room that are greeted again, and need nothing else.
    fn joined_in(&self, room: &Room) -> Vec<Jid> {
        let joined = self.joined.get(&room.id).into_iter().flatten();
        joined.filter(|jid| room.sessions.contains_key(*jid)).cloned().collect()
    }
}

/// One who joined and may have seen nothing of it gets everything again, as on a join.
fn greet_again(room: &mut Room, jid: &Jid, context: &mut Context<'_, '_>) -> Outcome<()> {
    if !room.sessions.contains_key(jid) {
        return Ok(());
    }
    let past = history::past(room, &history::Limits::default(), jid, context)?;
    let stamp = context.turn.stamp();
    let Some(session) = room.sessions.get_mut(jid) else { return Ok(()) };
    session.synced = stamp;
    session.save(context.turn, room.id);
    room.unview(jid);
    // 201 too: a creator who missed it would wait for ever.
    let codes: &[u16] = if room.is_locked() { &[201] } else { &[] };
    join::greet(room, jid, codes, None, past, context);
    Ok(())
}

fn tell_gone(
    rooms: &mut Rooms,
    gone: &Gone,
    plan: &Plan,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Ok(from) = Jid::parse(&gone.from) else { return Ok(()) };
    // By its name: another room may have it since, with the same people in it.
    let room = rooms.find(&from, context)?;
    for (jid, payload) in &gone.selves {
        let Ok(jid) = Jid::parse(jid) else { continue };
        // Who is in the room since before has left this nickname for another.
        let session = room.as_ref().and_then(|room| room.sessions.get(&jid));
        if session.is_none_or(|session| session.number < gone.at) {
            send_gone(&from, payload.clone(), &jid, context);
        }
    }
    let Some(room) = room else { return Ok(()) };
    let own = |jid: &Jid| gone.selves.iter().any(|(own, _)| own == jid.as_str());
    for session in room.sessions.values() {
        let own = own(&session.jid);
        let missed = if session.number < gone.at {
            gone.shown && !own
        } else {
            (gone.shown || own) && plan.removed.contains(&(room.jid.clone(), session.jid.clone()))
        };
        // Whatever somebody is in a new room, of the old one he may see no more than anybody.
        let class = if room.id == gone.room { room.class_of(session) } else { Class::Reduced };
        let payload = &gone.told[class as usize];
        if missed && !payload.is_empty() && !room.shows(&from, session) {
            room.send(gone_template(&from, payload.clone()), session.recipient(), context);
        }
    }
    Ok(())
}

type Nicks = BTreeMap<String, (Vec<u8>, bool)>;

fn tell_destroyed(
    rooms: &mut Rooms,
    room: &str,
    (payload, sessions, nicks): (&[u8], &[(String, String)], &Nicks),
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let Ok(jid) = Jid::parse(room) else { return Ok(()) };
    let again = rooms.find(&jid, context)?;
    let mut plain = Xml::new();
    plain.open("x").xmlns(ns::MUC_USER);
    Item::new(Affiliation::None, Role::None).write(&mut plain);
    let plain = plain.finish();
    let with_id = |payload: &[u8], nick: &str| {
        let id = nicks.get(nick).map_or(&[][..], |(id, _)| id);
        [payload, id].concat()
    };
    for (nick, session) in sessions {
        let (Ok(from), Ok(to)) = (jid.with_resource(nick), Jid::parse(session)) else { continue };
        let session = again.as_ref().and_then(|room| Some((room, room.sessions.get(&to)?)));
        let Some((room, session)) = session else {
            send_gone(&from, with_id(payload, nick), &to, context);
            continue;
        };
        // A room of the same name has begun since, with the same person in it: who else was in the
        // old one is gone.
        for (other, (_, shown)) in nicks {
            let Ok(from) = jid.with_resource(other) else { continue };
            if (*shown || other == nick) && !room.shows(&from, session) {
                send_gone(&from, with_id(&plain, other), &to, context);
            }
        }
    }
    Ok(())
}

fn send_gone(from: &Jid, payload: Vec<u8>, to: &Jid, context: &mut Context<'_, '_>) {
    let (lane, template) = (Lane::of(from), gone_template(from, payload));
    context.turn.emit(Effect::Send { lane, template, to: Recipient::from(to) });
}

impl Room {
    /// Somebody has this address, and the session is told of him: presence tells who.
    fn shows(&self, from: &Jid, session: &Session) -> bool {
        // One's own nickname is never gone while one has it: it may only be hidden from others.
        self.occupant_at(from).is_some_and(|occupant| {
            occupant.number == session.occupant || self.roster.shown().contains(&occupant.number)
        })
    }

    /// An occupant's presence from the state, to everybody but those who are greeted anyway.
    fn present_again(&mut self, number: u64, joined: &[Jid], context: &mut Context<'_, '_>) {
        let Some(own) = self.occupants.get(&number).map(|occupant| occupant.sessions.clone())
        else {
            return;
        };
        let but: Vec<Jid> = own.iter().chain(joined).cloned().collect();
        for class in Class::ALL {
            if let Some(template) = self.shown_as(number, class) {
                let viewers = self.viewers_but(class, &but);
                context.turn.fanout(self.lane, template, viewers);
            }
        }
        for jid in own.iter().filter(|jid| !joined.contains(jid)) {
            self.tell_own(number, jid, Asked::default(), context);
        }
    }

    /// One stanza to those who joined before this stamp and are not greeted anyway.
    fn tell_since(
        &self,
        at: u64,
        template: &Template,
        joined: &[Jid],
        context: &mut Context<'_, '_>,
    ) {
        let mut missed: Chunks<Recipient> = Chunks::new();
        for session in self.sessions.values() {
            if session.synced < at && !joined.contains(&session.jid) {
                missed.push(session.recipient());
            }
        }
        context.turn.fanout(self.lane, template.clone(), missed);
    }
}
