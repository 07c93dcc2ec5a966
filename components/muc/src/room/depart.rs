//! What is said of those who are gone, for whatever reason (XEP-0045 §7.14, §8.2, §9.1, §9.4, §11).

use annex_service::context::Context;
use annex_stanza::{Jid, Outgoing, Template, Xml, ns};

use super::{
    Room,
    affiliation::{Affiliation, Role},
    item::{Item, gone, gone_template, write_codes},
    occupant::Occupant,
    presence::Asked,
    session::Session,
    viewers::Class,
};
use crate::keys::{self, Gone, Note};

/// Sessions of one person that may leave each second, to be let in again.
pub(crate) const LEAVES: u32 = 5;

/// How and why somebody is gone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Departure<'a> {
    /// Status codes beside 110.
    pub(crate) codes: &'a [u16],
    /// Nickname of who caused it.
    pub(crate) actor: Option<&'a str>,
    /// Why.
    pub(crate) reason: Option<&'a str>,
    /// Rendered exit message.
    pub(crate) status: &'a [u8],
    /// The nickname that follows (§7.6).
    pub(crate) nick: Option<&'a str>,
    /// Rendered `<destroy/>`.
    pub(crate) destroy: &'a [u8],
    /// `id` of the stanza that asked for it.
    pub(crate) id: Option<&'a str>,
}

/// What the others are to be told of a departure: [`Room::farewell`] tells them.
#[must_use = "the others must be told"]
#[derive(Debug, Default)]
pub(crate) struct Farewell {
    templates: Option<[Template; 2]>,
}

impl Room {
    /// What is said of an occupant who is gone.
    pub(crate) fn unavailable(
        occupant: &Occupant,
        leaving: &[Jid],
        class: Class,
        own: bool,
        departure: &Departure<'_>,
    ) -> Vec<u8> {
        let mut xml = Xml::new();
        xml.raw(departure.status);
        xml.open("x").xmlns(ns::MUC_USER);
        let item = Item {
            nick: departure.nick,
            actor: departure.actor,
            reason: departure.reason,
            ..Item::new(
                // §10.9: who is removed with the room has no affiliation left.
                if departure.destroy.is_empty() { occupant.affiliation } else { Affiliation::None },
                // §7.6 shows the role that goes on; otherwise it is none (§7.14).
                if departure.nick.is_some() { occupant.role } else { Role::None },
            )
        };
        if class == Class::Full && departure.destroy.is_empty() && !leaving.is_empty() {
            for jid in leaving {
                Item { jid: Some(jid), ..item }.write(&mut xml);
            }
        } else {
            item.write(&mut xml);
        }
        xml.raw(departure.destroy);
        let mut codes = departure.codes.to_vec();
        if own {
            codes.push(110);
        }
        write_codes(&mut xml, &codes);
        xml.close().raw(&occupant.id);
        xml.finish()
    }

    /// Some sessions of an occupant, or all, are gone. They are told at once; what the others are
    /// told is returned. With its last session the occupant is gone.
    pub(crate) fn depart(
        &mut self,
        number: u64,
        leaving: &[Jid],
        departure: &Departure<'_>,
        context: &mut Context<'_, '_>,
    ) -> Farewell {
        let Some(occupant) = self.occupants.get(&number) else { return Farewell::default() };
        let own = Self::unavailable(occupant, leaving, Class::Full, true, departure);
        let told =
            Class::ALL.map(|class| Self::unavailable(occupant, leaving, class, false, departure));
        let from = occupant.address.clone();
        let mut selves = Vec::new();
        for jid in leaving {
            let Some(session) = self.remove_session(jid, context) else { continue };
            let stanza =
                Outgoing { id: departure.id.map(str::to_owned), ..gone(&from, own.clone()) };
            self.send(stanza.template(), session.recipient(), context);
            selves.push((jid.as_str().to_owned(), own.clone()));
        }
        let stays =
            self.occupants.get(&number).is_some_and(|occupant| !occupant.sessions.is_empty());
        let shown = if stays {
            false
        } else {
            self.remove_occupant(number, context);
            self.roster.remove(number)
        };
        let at = context.turn.stamp();
        let note = Gone {
            room: self.id,
            at,
            from: from.as_str().to_owned(),
            told: told.clone(),
            selves,
            shown,
        };
        self.note(&Note::Gone(note), context);
        if stays {
            // Another of its sessions may be the one to show now.
            self.publish(number, Asked::default(), context);
        }
        let templates = told.map(|payload| gone_template(&from, payload));
        Farewell { templates: shown.then_some(templates) }
    }

    /// Tells the others of a departure.
    pub(crate) fn farewell(&self, farewell: Farewell, context: &mut Context<'_, '_>) {
        let Some(templates) = farewell.templates else { return };
        for (class, template) in Class::ALL.into_iter().zip(templates) {
            context.turn.fanout(self.lane, template, self.audience[class as usize].clone());
        }
    }

    /// Tells everybody that an address is gone: the sessions that were there with 110, the others if
    /// they were shown it.
    pub(crate) fn tell_gone(
        &self,
        from: &Jid,
        told: [Vec<u8>; 2],
        own: Vec<u8>,
        sessions: &[Jid],
        shown: bool,
        context: &mut Context<'_, '_>,
    ) {
        let own = gone_template(from, own);
        for session in sessions.iter().filter_map(|jid| self.sessions.get(jid)) {
            self.send(own.clone(), session.recipient(), context);
        }
        if shown {
            for (class, payload) in Class::ALL.into_iter().zip(told) {
                let viewers = self.viewers_but(class, sessions);
                context.turn.fanout(self.lane, gone_template(from, payload), viewers);
            }
        }
    }

    /// Tells every viewer that an address is gone.
    pub(crate) fn tell_gone_to_viewers(
        &self,
        from: &Jid,
        told: &[Vec<u8>; 2],
        context: &mut Context<'_, '_>,
    ) {
        for (audience, payload) in self.audience.iter().zip(told) {
            context.turn.fanout(self.lane, gone_template(from, payload.clone()), audience.clone());
        }
    }

    /// Removes an occupant that has no session left; true if it was shown.
    pub(crate) fn remove_shown(&mut self, number: u64, context: &mut Context<'_, '_>) -> bool {
        self.remove_occupant(number, context);
        self.roster.remove(number)
    }

    fn remove_session(&mut self, jid: &Jid, context: &mut Context<'_, '_>) -> Option<Session> {
        self.unview(jid);
        let session = self.sessions.remove(jid)?;
        context.turn.delete(keys::SESSIONS, keys::of(self.id).u64(session.number));
        let leaves = self.leaves.entry(jid.bare_key().to_owned()).or_default();
        leaves.charge(context.turn.since_start(), LEAVES);
        if let Some(occupant) = self.occupants.get_mut(&session.occupant) {
            occupant.sessions.retain(|other| other != jid);
        }
        Some(session)
    }

    fn remove_occupant(&mut self, number: u64, context: &mut Context<'_, '_>) {
        let Some(occupant) = self.occupants.remove(&number) else { return };
        if self.nicks.get(occupant.nick.key()) == Some(&number) {
            self.nicks.remove(occupant.nick.key());
        }
        let now = context.turn.since_start();
        if occupant.messages.is_in_use(now) {
            self.left.retain(|_, messages| messages.is_in_use(now));
            self.left.insert(occupant.person.key().to_owned(), occupant.messages);
        }
        context.turn.delete(keys::OCCUPANTS, keys::of(self.id).u64(number));
        if self.occupants.is_empty() {
            context.turn.delete(keys::OCCUPIED, keys::of(self.id));
        }
    }
}
