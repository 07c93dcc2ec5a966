//! The state of a room.

use std::{collections::BTreeMap, time::Duration};

use annex_service::{
    context::Context,
    effect::{Effect, Lane},
    record::Record,
    store::StoreError,
    turn::Turn,
};
use annex_stanza::{Audience, Jid, Nick, Recipient, Refusal, Template, Xml};

use super::{
    affiliation::Affiliation, history::Kept, invite::Invited, limits::Bucket, occupant::Occupant,
    session::Session, viewers::Roster,
};
use crate::{
    keys::{self, Note, RoomRecord, SubjectRecord},
    refusals,
};

/// A room.
#[derive(Debug)]
pub(crate) struct Room {
    /// Its number, a stamp: the beginning of its keys.
    pub(crate) id: u64,
    /// Its address.
    pub(crate) jid: Jid,
    /// The lane of everything it says.
    pub(crate) lane: Lane,
    /// Its record: configuration, lock, creator.
    pub(crate) record: RoomRecord,
    /// Its subject, if one was ever set.
    pub(crate) subject: Option<SubjectRecord>,
    /// Who is in it.
    pub(crate) occupants: BTreeMap<u64, Occupant>,
    /// Occupants by key of nickname.
    pub(crate) nicks: BTreeMap<String, u64>,
    /// Sessions by full address.
    pub(crate) sessions: BTreeMap<Jid, Session>,
    /// Sessions that get what the room says, by class of what they may see.
    pub(crate) audience: [Audience; 2],
    /// Presence of everybody, rendered.
    pub(crate) roster: Roster,
    /// Which messages are kept; memory only.
    pub(crate) kept: Kept,
    /// Who was invited; memory only.
    pub(crate) invited: Invited,
    /// Rates of messages of those who left just now, by key of the bare address: leaving and
    /// entering again is no way around them; memory only.
    pub(crate) left: BTreeMap<String, Bucket>,
    /// Joins; memory only.
    pub(crate) joins: Bucket,
    /// Sessions that left just now, by key of the bare address; memory only.
    pub(crate) leaves: BTreeMap<String, Bucket>,
    /// The timer that shows presence held back is armed; memory only.
    pub(crate) holding: bool,
    /// When it was last used, since the start; memory only.
    pub(crate) touched: Duration,
}

impl Room {
    /// An empty room.
    pub(crate) fn new(id: u64, jid: Jid, record: RoomRecord) -> Self {
        Self {
            id,
            lane: Lane::of(&jid),
            jid,
            record,
            subject: None,
            occupants: BTreeMap::new(),
            nicks: BTreeMap::new(),
            sessions: BTreeMap::new(),
            audience: [Audience::new(), Audience::new()],
            roster: Roster::default(),
            kept: Kept::default(),
            invited: Invited::default(),
            left: BTreeMap::new(),
            joins: Bucket::default(),
            leaves: BTreeMap::new(),
            holding: false,
            touched: Duration::ZERO,
        }
    }

    /// Waits for its first configuration.
    pub(crate) fn is_locked(&self) -> bool {
        self.record.locked.is_some()
    }

    /// §7.2.10, §17.2: it does not exist yet, but for who makes it.
    pub(crate) fn hides_from(&self, jid: &Jid) -> bool {
        self.is_locked()
            && self.record.creator != jid.bare_key()
            && !self.sessions.contains_key(jid)
    }

    /// To one who is not in it.
    pub(crate) fn refuse_stranger(&self, jid: &Jid) -> Refusal {
        if self.hides_from(jid) { refusals::locked() } else { refusals::not_in_room() }
    }

    /// Nobody is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.occupants.is_empty()
    }

    /// The occupant whose session this is.
    pub(crate) fn occupant_of(&self, jid: &Jid) -> Option<&Occupant> {
        self.occupants.get(&self.sessions.get(jid)?.occupant)
    }

    /// The occupant with this nickname.
    pub(crate) fn occupant_named(&self, nick: &str) -> Option<&Occupant> {
        let number = self.nicks.get(&annex_stanza::nick::key(nick))?;
        self.occupants.get(number)
    }

    /// The occupant with this very address (§7.5): nicknames of one key are one for conflicts, and
    /// still different addresses.
    pub(crate) fn occupant_at(&self, address: &Jid) -> Option<&Occupant> {
        let nick = address.resource()?;
        self.occupant_named(nick).filter(|occupant| occupant.nick.as_str() == nick)
    }

    /// Occupants that are this person.
    pub(crate) fn occupants_of_person(&self, person: &Jid) -> Vec<u64> {
        let own = self.occupants.values().filter(|occupant| occupant.person == *person);
        own.map(|occupant| occupant.number).collect()
    }

    /// Adds an occupant who has no session yet.
    pub(crate) fn add_occupant(&mut self, occupant: Occupant, turn: &mut Turn<'_>) {
        if self.occupants.is_empty() {
            turn.put(keys::OCCUPIED, keys::of(self.id), Vec::new());
        }
        occupant.save(turn, self.id);
        self.nicks.insert(occupant.nick.key().to_owned(), occupant.number);
        self.occupants.insert(occupant.number, occupant);
    }

    /// Adds a session to an occupant. It gets nothing before [`Room::view`].
    pub(crate) fn add_session(&mut self, session: Session, turn: &mut Turn<'_>) {
        session.save(turn, self.id);
        if let Some(occupant) = self.occupants.get_mut(&session.occupant) {
            occupant.sessions.push(session.jid.clone());
        }
        self.sessions.insert(session.jid.clone(), session);
    }

    /// The occupant goes on under another nickname.
    pub(crate) fn rename(&mut self, number: u64, nick: Nick, address: Jid, turn: &mut Turn<'_>) {
        let Some(occupant) = self.occupants.get_mut(&number) else { return };
        self.nicks.remove(occupant.nick.key());
        self.nicks.insert(nick.key().to_owned(), number);
        occupant.nick = nick;
        occupant.address = address;
        occupant.save(turn, self.id);
    }

    /// Writes its record.
    pub(crate) fn save(&self, turn: &mut Turn<'_>) {
        self.record.save(turn, keys::of(self.id));
    }

    /// One stanza to one session.
    pub(crate) fn send(&self, template: Template, to: Recipient, context: &mut Context<'_, '_>) {
        context.turn.emit(Effect::Send { lane: self.lane, template, to });
    }

    /// One stanza to everybody.
    pub(crate) fn tell_all(&self, template: &Template, context: &mut Context<'_, '_>) {
        for audience in &self.audience {
            context.turn.fanout(self.lane, template.clone(), audience.clone());
        }
    }

    /// Notes what is told again if it may not have arrived.
    pub(crate) fn note(&self, note: &Note, context: &mut Context<'_, '_>) {
        context.shared.unconfirmed.note(context.turn, note.encode());
    }

    /// State as text, in an order of its own: equal for equal states, and the same when the room is
    /// read again from its records.
    pub(crate) fn image(&self) -> String {
        use std::fmt::Write;
        let mut out = String::new();
        let mut line = |what: String| {
            writeln!(out, "{what}").expect("a string takes what is written");
        };
        line(format!("{} {} {:?}", self.id, self.jid, self.record));
        line(format!("{:?}", self.subject));
        for occupant in self.occupants.values() {
            line(format!(
                "{} {:?} {} {:?} {:?} {} {:?}",
                occupant.number,
                occupant.nick,
                occupant.person.key(),
                occupant.affiliation,
                occupant.role,
                String::from_utf8_lossy(&occupant.id),
                occupant.sessions,
            ));
        }
        line(format!("{:?}", self.nicks));
        for session in self.sessions.values() {
            line(format!(
                "{} {} {} {:?} {} {}",
                session.number,
                session.jid,
                session.occupant,
                session.shown,
                session.synced,
                session.active,
            ));
        }
        for audience in &self.audience {
            let mut viewers: Vec<_> = audience.iter().map(|viewer| viewer.to.clone()).collect();
            viewers.sort();
            line(format!("{viewers:?}"));
        }
        let mut shown = self.roster.shown().to_vec();
        shown.sort_unstable();
        line(format!("{shown:?}"));
        out
    }
}

/// The rendered `<x xmlns='http://jabber.org/protocol/muc'/>` that errors to a join carry.
pub(crate) fn muc_x() -> Vec<u8> {
    let mut xml = Xml::new();
    xml.leaf("x", annex_stanza::ns::MUC);
    xml.finish()
}

/// The person's affiliation towards the room, as settings have it.
pub(crate) fn affiliation(
    context: &Context<'_, '_>,
    settings: &crate::config::Settings,
    room: u64,
    jid: &Jid,
) -> Result<Affiliation, StoreError> {
    super::affiliation::of(context.turn, context.shared, settings.admins_are_owners, room, jid)
}

/// Design §9: what the service's admins may do in every room is written down each time that they do
/// what their own affiliation would not let them.
pub(crate) fn note_admin(
    context: &mut Context<'_, '_>,
    settings: &crate::config::Settings,
    room: &Room,
    by: &Jid,
    what: &str,
) -> Result<(), StoreError> {
    // Short of space reading goes on, and nothing is written.
    let writes = settings.owns_all(&context.shared.common, by) && !context.turn.is_space_low();
    if writes && super::affiliation::stored_for(context.turn, room.id, by)? < Affiliation::Owner {
        context.audit(by.bare(), what, &room.jid, Some("as an admin of the service"));
    }
    Ok(())
}
