//! Presence of those who are in the room (XEP-0045 §7.2.2, §7.7, §17.3).
//!
//! A change is one rendering for each class of viewers ([`super::viewers`]), told only where it
//! differs from what was said before.

use annex_service::context::Context;
use annex_stanza::{Jid, Kind, Outgoing, PresenceType, Template, Xml, ns};

use super::{
    Room,
    depart::Departure,
    item::{Item, gone_template, write_codes},
    occupant::Occupant,
    session::Session,
    viewers::{Class, same},
};
use crate::keys::{Gone, Note};

/// Who asked for something, and what he is told about it beside the presence.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// The session: it gets its own presence even where nothing changed.
    pub(crate) session: Option<&'a Jid>,
    /// Status codes beside 110.
    pub(crate) codes: &'a [u16],
    /// `id` of its stanza.
    pub(crate) id: Option<&'a str>,
    /// Who changed the occupant's standing, and why.
    pub(crate) why: Why<'a>,
}

/// Who did something to an occupant, and why: said once, with the presence that tells of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Why<'a> {
    /// The nickname.
    pub(crate) actor: Option<&'a str>,
    /// The reason.
    pub(crate) reason: Option<&'a str>,
}

impl Room {
    /// The session whose presence the occupant shows.
    pub(crate) fn primary(&self, occupant: &Occupant) -> Option<&Session> {
        let sessions = occupant.sessions.iter().filter_map(|jid| self.sessions.get(jid));
        // Of equals the oldest: `max_by_key` prefers the last.
        sessions.max_by_key(|session| (session.shown.rank, std::cmp::Reverse(session.number)))
    }

    /// Presence of an occupant as a class sees it.
    pub(crate) fn available(
        &self,
        occupant: &Occupant,
        class: Class,
        asked: &Asked<'_>,
    ) -> Template {
        let mut xml = Xml::new();
        let mut lang = None;
        let primary = self.primary(occupant);
        if let Some(primary) = primary {
            xml.raw(&primary.shown.payload);
            lang.clone_from(&primary.shown.lang);
        }
        let mut jids: Vec<Option<&Jid>> = Vec::new();
        if class == Class::Full {
            let first = primary.map(|session| &session.jid);
            let rest = occupant.sessions.iter().filter(|jid| Some(*jid) != first).map(Some);
            jids.extend(first.map(Some));
            jids.extend(rest);
        }
        if jids.is_empty() {
            jids.push(None);
        }
        xml.open("x").xmlns(ns::MUC_USER);
        for jid in jids {
            let Why { actor, reason } = asked.why;
            let new = Item::new(occupant.affiliation, occupant.role);
            Item { jid, actor, reason, ..new }.write(&mut xml);
        }
        write_codes(&mut xml, asked.codes);
        xml.close().raw(&occupant.id);
        Outgoing {
            kind: Kind::Presence(PresenceType::Available),
            from: occupant.address.clone(),
            id: asked.id.map(str::to_owned),
            lang,
            payload: xml.finish(),
        }
        .template()
    }

    /// Tells an occupant's presence as it is now: to others where it differs from what they were
    /// told before, to its own sessions with 110.
    pub(crate) fn publish(&mut self, number: u64, asked: Asked<'_>, context: &mut Context<'_, '_>) {
        // A list that is rendered only now shows the change already: nobody was told it.
        let rendered = self.roster.lists.each_ref().map(Option::is_some);
        self.render_roster(None);
        let Some(occupant) = self.occupants.get(&number) else { return };
        // §7.2.2: who has a role that is not broadcast is shown to nobody else.
        let visible = self.record.config.broadcast.has(occupant.role);
        let own = occupant.sessions.clone();
        let at = self.roster.position(number);
        let mut changed = false;
        let why = Asked { why: asked.why, ..Asked::default() };
        if visible {
            let fresh = Class::ALL.map(|class| {
                let list = self.roster.lists[class as usize].as_ref()?;
                let template = self.available(occupant, class, &Asked::default());
                let old = at.and_then(|at| list.get(at));
                let known = rendered[class as usize];
                let differs = !known || old.is_none_or(|old| !same(old, &template));
                // §8.3: the reason belongs to the change, and not to the occupant.
                let told = match why.why == Why::default() {
                    true => template.clone(),
                    false => self.available(occupant, class, &why),
                };
                Some((template, differs.then_some(told)))
            });
            for (class, fresh) in Class::ALL.into_iter().zip(fresh) {
                let Some((template, told)) = fresh else { continue };
                if let Some(told) = told {
                    let viewers = self.viewers_but(class, &own);
                    context.turn.fanout(self.lane, told, viewers);
                    changed = true;
                }
                if let Some(list) = &mut self.roster.lists[class as usize] {
                    match at {
                        Some(at) => drop(list.replace(at, template)),
                        None => list.push(template),
                    }
                }
            }
            if at.is_none() {
                self.roster.order.push(number);
                changed = true;
            }
        } else if at.is_some() {
            // Its role is no longer broadcast: for the others it is gone.
            let told = Class::ALL.map(|class| {
                Self::unavailable(occupant, &own, class, false, &Departure::default())
            });
            let from = occupant.address.clone();
            for (class, payload) in Class::ALL.into_iter().zip(told.clone()) {
                let viewers = self.viewers_but(class, &own);
                context.turn.fanout(self.lane, gone_template(&from, payload), viewers);
            }
            let (at, from) = (context.turn.stamp(), from.as_str().to_owned());
            let note = Gone { room: self.id, at, from, told, selves: Vec::new(), shown: true };
            self.note(&Note::Gone(note), context);
            self.roster.remove(number);
            changed = true;
        } else {
            changed = true;
        }
        for jid in &own {
            let is_asking = asked.session == Some(jid);
            if is_asking {
                self.tell_own(number, jid, asked, context);
            } else if changed && self.is_viewer(jid) {
                self.tell_own(number, jid, why, context);
            }
        }
        if changed {
            self.note(&Note::Presence { room: self.id, occupant: number }, context);
        }
    }

    /// One's own presence, as one of its sessions gets it: one always sees one's own addresses.
    pub(crate) fn tell_own(
        &self,
        number: u64,
        session: &Jid,
        asked: Asked<'_>,
        context: &mut Context<'_, '_>,
    ) {
        let (Some(occupant), Some(session)) =
            (self.occupants.get(&number), self.sessions.get(session))
        else {
            return;
        };
        let mut codes = asked.codes.to_vec();
        codes.push(110);
        let template = self.available(occupant, Class::Full, &Asked { codes: &codes, ..asked });
        self.send(template, session.recipient(), context);
    }
}
