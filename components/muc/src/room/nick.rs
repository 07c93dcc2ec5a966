//! Nicknames: who may have which, and changing them (XEP-0045 §7.2.8, §7.6).

use annex_service::context::{Context, Outcome};
use annex_stanza::{Jid, Nick, Stanza};

use super::{
    Room, affiliation,
    depart::Departure,
    item::gone_template,
    join,
    occupant::Occupant,
    presence::Asked,
    session::{self, Shown},
    viewers::Class,
};
use crate::{
    config::Settings,
    feature::occupant_id,
    keys::{self, Gone, Note},
    refusals,
};

/// The nickname, if this person may have it now.
pub(crate) fn judge(
    room: &Room,
    settings: &Settings,
    wanted: &str,
    person: &Jid,
    context: &Context<'_, '_>,
) -> Outcome<Nick> {
    // §17.1: no empty or invisible nicknames.
    let nick = Nick::check(wanted).map_err(|error| refusals::bad_nick(&error))?;
    if wanted.len() > settings.max_nick {
        return Err(refusals::long_nick(settings.max_nick).into());
    }
    // §7.2.8: sessions of one person may share a nickname.
    let present = room.nicks.get(nick.key()).and_then(|number| room.occupants.get(number));
    if let Some(occupant) = present {
        // The same person, but with another spelling of it, would be two addresses for one.
        let same = occupant.person.key() == person.bare_key();
        if !same
            || occupant.nick.as_str() != nick.as_str()
                && occupant.sessions.iter().any(|jid| jid != person)
        {
            return Err(refusals::nick_taken().into());
        }
    }
    let reserved = affiliation::reserved_for(context.turn, room.id, nick.key())?;
    if reserved.is_some_and(|holder| holder != person.bare_key()) {
        return Err(refusals::nick_reserved().into());
    }
    Ok(nick)
}

/// Presence of an occupant to another nickname of the room.
pub(crate) fn change(
    room: &mut Room,
    settings: &Settings,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let wanted = stanza.to.resource().unwrap_or_default();
    let nick = judge(room, settings, wanted, &stanza.from, context)?;
    let jid = &stanza.from;
    let address = room.jid.with_resource(nick.as_str()).map_err(|_| refusals::no_nick())?;
    let Some(occupant) = room.occupant_of(jid) else { return Err(refusals::not_in_room().into()) };
    let number = occupant.number;
    let alone = occupant.sessions.len() == 1;
    let target = room.nicks.get(nick.key()).copied().filter(|target| *target != number);
    let joined = target.and_then(|target| room.occupants.get(&target));
    if joined.is_some_and(|occupant| occupant.sessions.len() >= session::MOST) {
        return Err(refusals::too_many_sessions().into());
    }
    // §7.2.9: one who leaves his other sessions behind is one more occupant.
    if !alone && target.is_none() && join::is_full(room, settings, occupant.affiliation) {
        return Err(refusals::full().into());
    }
    let shown = Shown::of(stanza, &room.jid);
    let (person, affiliation, role) =
        (occupant.person.clone(), occupant.affiliation, occupant.role);
    let messages = occupant.messages;
    // A change costs everybody two stanzas, and cannot be put off like the last of many updates.
    let (now, rate) = (context.turn.since_start(), settings.presences_per_second);
    let session = room.sessions.get_mut(jid);
    if session.is_some_and(|session| !session.may_move(now, rate)) {
        return Err(refusals::nick_rate().into());
    }
    room.remember_shown();
    match (alone, target) {
        (true, None) => rename(room, number, nick, address, stanza, shown, context),
        (_, Some(target)) => move_to(room, number, target, &nick, stanza, shown, context),
        (false, None) => {
            // The others go on under the old nickname: a new occupant begins.
            let id = occupant_id::stored(context.turn, room.id, person.key())?.unwrap_or_default();
            let mut new = Occupant::new(
                context.turn,
                &room.jid,
                nick.clone(),
                person,
                affiliation,
                role,
                &id,
            )
            .map_err(|_| refusals::no_nick())?;
            // Nor is it a way around the rate of messages.
            new.messages = messages;
            let target = new.number;
            room.add_occupant(new, context.turn);
            move_to(room, number, target, &nick, stanza, shown, context);
        }
    }
    Ok(())
}

/// §7.6: unavailable with 303 under the old nickname, available under the new one.
fn rename(
    room: &mut Room,
    number: u64,
    nick: Nick,
    address: Jid,
    stanza: &Stanza,
    shown: Shown,
    context: &mut Context<'_, '_>,
) {
    let Some(occupant) = room.occupants.get(&number) else { return };
    let departure = Departure { codes: &[303], nick: Some(nick.as_str()), ..Departure::default() };
    let sessions = occupant.sessions.clone();
    let told =
        Class::ALL.map(|class| Room::unavailable(occupant, &sessions, class, false, &departure));
    let own = Room::unavailable(occupant, &sessions, Class::Full, true, &departure);
    let from = occupant.address.clone();
    let was_shown = room.roster.shown().contains(&number);
    let at = context.turn.stamp();
    let selves = sessions.iter().map(|jid| (jid.as_str().to_owned(), own.clone())).collect();
    let note = Gone {
        room: room.id,
        at,
        from: from.as_str().to_owned(),
        told: told.clone(),
        selves,
        shown: was_shown,
    };
    room.tell_gone(&from, told, own, &sessions, was_shown, context);
    room.note(&Note::Gone(note), context);
    room.rename(number, nick, address, context.turn);
    set_shown(room, &stanza.from, shown, context);
    let id = stanza.id.as_deref();
    let asked = Asked { session: Some(&stanza.from), id, ..Asked::default() };
    room.publish(number, asked, context);
}

/// One of several sessions goes to another occupant of the same person. §7.6 with 303 would tell
/// others that everybody under the old nickname moved: only the session itself is told so.
fn move_to(
    room: &mut Room,
    number: u64,
    target: u64,
    nick: &Nick,
    stanza: &Stanza,
    shown: Shown,
    context: &mut Context<'_, '_>,
) {
    let jid = &stanza.from;
    let viewed = room.unview(jid);
    let departure = Departure { codes: &[303], nick: Some(nick.as_str()), ..Departure::default() };
    let Some(occupant) = room.occupants.get(&number) else { return };
    let alone = occupant.sessions.len() == 1;
    let own = Room::unavailable(occupant, std::slice::from_ref(jid), Class::Full, true, &departure);
    let from = occupant.address.clone();
    let Some(session) = room.sessions.get(jid) else { return };
    let to = session.recipient();
    room.send(gone_template(&from, own.clone()), to, context);
    let selves = vec![(jid.as_str().to_owned(), own)];
    if alone {
        room.retire(number, jid, selves, context);
    } else {
        let told = [Vec::new(), Vec::new()];
        let (at, from) = (context.turn.stamp(), from.as_str().to_owned());
        let note = Gone { room: room.id, at, from, told, selves, shown: false };
        room.note(&Note::Gone(note), context);
    }
    if let Some(session) = room.sessions.get_mut(jid) {
        session.occupant = target;
    }
    if let Some(occupant) = room.occupants.get_mut(&number) {
        occupant.sessions.retain(|other| other != jid);
    }
    if let Some(occupant) = room.occupants.get_mut(&target) {
        occupant.sessions.push(jid.clone());
        // Load gives them in the order of their numbers.
        let sessions = &room.sessions;
        occupant.sessions.sort_by_key(|jid| sessions.get(jid).map_or(0, |session| session.number));
    }
    set_shown(room, jid, shown, context);
    if !alone {
        // Those who stay may show another session's presence now.
        room.publish(number, Asked::default(), context);
    }
    if viewed {
        room.view(jid);
    }
    if !alone {
        // It is shown to the one that left in any case: for it this is somebody else from here on.
        room.show_to(number, jid, context);
        room.note(&Note::Presence { room: room.id, occupant: number }, context);
    }
    let asked = Asked { session: Some(jid), id: stanza.id.as_deref(), ..Asked::default() };
    room.publish(target, asked, context);
    // Also where it is no news to anybody else: who moved must learn where he is now.
    room.note(&Note::Presence { room: room.id, occupant: target }, context);
}

fn set_shown(room: &mut Room, jid: &Jid, shown: Shown, context: &mut Context<'_, '_>) {
    let (wall, heard) = (context.turn.wall().0, context.turn.since_start());
    let Some(session) = room.sessions.get_mut(jid) else { return };
    session.shown = shown;
    session.held = None;
    session.active = wall;
    session.hear(heard);
    session.save(context.turn, room.id);
}

impl Room {
    /// An occupant whose only session goes on elsewhere is gone.
    fn retire(
        &mut self,
        number: u64,
        jid: &Jid,
        selves: Vec<(String, Vec<u8>)>,
        context: &mut Context<'_, '_>,
    ) {
        let Some(occupant) = self.occupants.get(&number) else { return };
        let leaving = std::slice::from_ref(jid);
        let told = Class::ALL
            .map(|class| Self::unavailable(occupant, leaving, class, false, &Departure::default()));
        let from = occupant.address.clone();
        let at = context.turn.stamp();
        let shown = self.remove_shown(number, context);
        if shown {
            self.tell_gone_to_viewers(&from, &told, context);
        }
        let note = Gone { room: self.id, at, from: from.as_str().to_owned(), told, selves, shown };
        self.note(&Note::Gone(note), context);
    }

    /// Shows an occupant to one session.
    fn show_to(&mut self, number: u64, jid: &Jid, context: &mut Context<'_, '_>) {
        let Some(session) = self.sessions.get(jid) else { return };
        let (to, class) = (session.recipient(), self.class_of(session));
        if let Some(template) = self.shown_as(number, class) {
            self.send(template, to, context);
        }
    }
}

/// Addresses of nicknames are as long as keys of nicknames are bounded.
const _: () = assert!(keys::LONGEST_NAME < 512);
