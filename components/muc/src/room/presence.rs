//! What the room says of its occupants, and to whom (XEP-0045 §7.2.2–7.2.4, §7.7, §17.3).
//!
//! Viewers who see different things are classes, decided in [`Class::of`] and nowhere else. For each
//! class that has viewers the room keeps the presence of every occupant, rendered: a change is one
//! rendering for each class, told only where it differs from what was said before; who enters gets
//! all of them as they are.

use annex_service::context::Context;
use annex_stanza::{
    Audience, Chunks, Jid, Kind, Outgoing, PresenceType, Recipient, Template, Xml, ns,
};

use super::{
    Room,
    affiliation::{Affiliation, Role},
    config::{Config, Whois},
    occupant::Occupant,
    session::Session,
};
use crate::keys::{self, Gone, Note};

/// What a viewer may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// No real addresses.
    Reduced = 0,
    /// Real addresses.
    Full = 1,
}

impl Class {
    pub(crate) const ALL: [Self; 2] = [Self::Reduced, Self::Full];

    /// XEP-0045 §7.2.3, §7.2.4: everybody in a non-anonymous room, moderators in a semi-anonymous
    /// one. The one place that decides it.
    pub(crate) fn of(config: &Config, role: Role) -> Self {
        match (config.whois, role) {
            (Whois::Anyone, _) | (_, Role::Moderator) => Self::Full,
            _ => Self::Reduced,
        }
    }
}

/// The presence of every occupant who is shown, rendered for each class that needs it.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    /// Occupants in the order of the lists.
    order: Vec<u64>,
    /// A list for each class; none where nobody has asked yet.
    lists: [Option<Chunks<Template>>; 2],
}

impl Roster {
    fn position(&self, number: u64) -> Option<usize> {
        self.order.iter().position(|other| *other == number)
    }

    /// Who is in it, for comparison with what records give.
    pub(crate) fn shown(&self) -> &[u64] {
        &self.order
    }

    /// Adds an occupant who is shown; used while no list is rendered.
    pub(crate) fn add(&mut self, number: u64) {
        self.order.push(number);
    }

    fn remove(&mut self, number: u64) -> bool {
        let Some(at) = self.position(number) else { return false };
        self.order.remove(at);
        for list in self.lists.iter_mut().flatten() {
            list.remove(at);
        }
        true
    }
}

/// Who asked for something, and what he is told about it beside the presence.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    /// The session: it gets its own presence even where nothing changed.
    pub(crate) session: Option<&'a Jid>,
    /// Status codes beside 110.
    pub(crate) codes: &'a [u16],
    /// `id` of its stanza.
    pub(crate) id: Option<&'a str>,
}

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
    /// The session whose presence the occupant shows.
    pub(crate) fn primary(&self, occupant: &Occupant) -> Option<&Session> {
        let sessions = occupant.sessions.iter().filter_map(|jid| self.sessions.get(jid));
        // Of equals the oldest: `max_by_key` prefers the last.
        sessions.max_by_key(|session| (session.shown.rank, std::cmp::Reverse(session.number)))
    }

    /// Presence of an occupant as a class sees it.
    fn available(
        &self,
        occupant: &Occupant,
        class: Class,
        codes: &[u16],
        id: Option<&str>,
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
            let item = Item { jid, ..Item::new(occupant.affiliation, occupant.role) };
            item.write(&mut xml);
        }
        write_codes(&mut xml, codes);
        xml.close().raw(&occupant.id);
        Outgoing {
            kind: Kind::Presence(PresenceType::Available),
            from: occupant.address.clone(),
            id: id.map(str::to_owned),
            lang,
            payload: xml.finish(),
        }
        .template()
    }

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

    /// Viewers of a class but for some sessions.
    pub(crate) fn viewers_but(&self, class: Class, but: &[Jid]) -> Audience {
        let mut audience = self.audience[class as usize].clone();
        for jid in but {
            if let Some(session) = self.sessions.get(jid) {
                let at = audience.iter().position(|viewer| viewer.to == session.to);
                if let Some(at) = at {
                    audience.remove(at);
                }
            }
        }
        audience
    }

    /// Renders the lists of the classes that are needed.
    fn render_roster(&mut self, also: Option<Class>) {
        for class in Class::ALL {
            let needed = also == Some(class) || !self.audience[class as usize].is_empty();
            if needed && self.roster.lists[class as usize].is_none() {
                let occupants =
                    self.roster.order.iter().filter_map(|number| self.occupants.get(number));
                let list =
                    occupants.map(|occupant| self.available(occupant, class, &[], None)).collect();
                self.roster.lists[class as usize] = Some(list);
            }
        }
    }

    /// Everybody who is shown, but for one, as a class sees them.
    pub(crate) fn roster_but(&mut self, class: Class, but: u64) -> Chunks<Template> {
        self.render_roster(Some(class));
        let mut list = self.roster.lists[class as usize].clone().unwrap_or_default();
        if let Some(at) = self.roster.position(but) {
            list.remove(at);
        }
        list
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
        if visible {
            let fresh = Class::ALL.map(|class| {
                let list = self.roster.lists[class as usize].as_ref()?;
                let template = self.available(occupant, class, &[], None);
                let old = at.and_then(|at| list.get(at));
                let known = rendered[class as usize];
                let differs = !known || old.is_none_or(|old| !same(old, &template));
                Some((template, differs))
            });
            for (class, fresh) in Class::ALL.into_iter().zip(fresh) {
                let Some((template, differs)) = fresh else { continue };
                if differs {
                    let viewers = self.viewers_but(class, &own);
                    context.turn.fanout(self.lane, template.clone(), viewers);
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
                self.tell_own(number, jid, asked.codes, asked.id, context);
            } else if changed && self.is_viewer(jid) {
                self.tell_own(number, jid, &[], None, context);
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
        codes: &[u16],
        id: Option<&str>,
        context: &mut Context<'_, '_>,
    ) {
        let (Some(occupant), Some(session)) =
            (self.occupants.get(&number), self.sessions.get(session))
        else {
            return;
        };
        let mut codes = codes.to_vec();
        codes.push(110);
        let template = self.available(occupant, Class::Full, &codes, id);
        self.send(template, session.recipient(), context);
    }

    /// Everybody as a class sees them, told again to its viewers: after a change that concerns all.
    pub(crate) fn publish_again(
        &self,
        class: Class,
        to: &Recipient,
        but: u64,
        context: &mut Context<'_, '_>,
    ) {
        let Some(list) = &self.roster.lists[class as usize] else { return };
        let mut list = list.clone();
        if let Some(at) = self.roster.position(but) {
            list.remove(at);
        }
        context.turn.series(self.lane, list, to.clone());
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

    /// An occupant as a class sees it, if it is shown at all.
    pub(crate) fn shown_as(&mut self, number: u64, class: Class) -> Option<Template> {
        self.render_roster(Some(class));
        let at = self.roster.position(number)?;
        self.roster.lists[class as usize].as_ref()?.get(at).cloned()
    }

    fn remove_session(&mut self, jid: &Jid, context: &mut Context<'_, '_>) -> Option<Session> {
        self.unview(jid);
        let session = self.sessions.remove(jid)?;
        context.turn.delete(keys::SESSIONS, keys::of(self.id).u64(session.number));
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
        context.turn.delete(keys::OCCUPANTS, keys::of(self.id).u64(number));
        if self.occupants.is_empty() {
            context.turn.delete(keys::OCCUPIED, keys::of(self.id));
        }
    }

    /// The class of a session.
    pub(crate) fn class_of(&self, session: &Session) -> Class {
        let role =
            self.occupants.get(&session.occupant).map_or(Role::None, |occupant| occupant.role);
        Class::of(&self.record.config, role)
    }

    /// From now on the session gets what the room says.
    pub(crate) fn view(&mut self, jid: &Jid) {
        let Some(session) = self.sessions.get(jid) else { return };
        let (class, recipient) = (self.class_of(session), session.recipient());
        self.audience[class as usize].push(recipient);
    }

    /// The session gets nothing any more; true if it did.
    pub(crate) fn unview(&mut self, jid: &Jid) -> bool {
        let Some(session) = self.sessions.get(jid) else { return false };
        for audience in &mut self.audience {
            let at = audience.iter().position(|viewer| viewer.to == session.to);
            if let Some(at) = at {
                audience.remove(at);
                return true;
            }
        }
        false
    }

    fn is_viewer(&self, jid: &Jid) -> bool {
        let Some(session) = self.sessions.get(jid) else { return false };
        self.audience.iter().any(|viewers| viewers.iter().any(|viewer| viewer.to == session.to))
    }

    /// An occupant's role or the room's anonymity changed: its sessions move to the class they
    /// belong to. Those who now see more are shown everybody anew.
    pub(crate) fn reclass(&mut self, number: u64, context: &mut Context<'_, '_>) {
        let Some(occupant) = self.occupants.get(&number) else { return };
        let class = Class::of(&self.record.config, occupant.role);
        for jid in occupant.sessions.clone() {
            let Some(session) = self.sessions.get(&jid) else { continue };
            let to = session.recipient();
            if self.audience[class as usize].iter().any(|viewer| viewer.to == to.to) {
                continue;
            }
            self.unview(&jid);
            self.audience[class as usize].push(to.clone());
            if class == Class::Full {
                self.render_roster(None);
                self.publish_again(class, &to, number, context);
            }
        }
    }
}

/// An `<item/>` of `muc#user`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item<'a> {
    /// Affiliation.
    pub(crate) affiliation: Affiliation,
    /// Role.
    pub(crate) role: Role,
    /// Real address.
    pub(crate) jid: Option<&'a Jid>,
    /// New nickname.
    pub(crate) nick: Option<&'a str>,
    /// Nickname of who caused it.
    pub(crate) actor: Option<&'a str>,
    /// Why.
    pub(crate) reason: Option<&'a str>,
}

impl Item<'_> {
    /// §17.3: every presence says role and affiliation.
    pub(crate) fn new(affiliation: Affiliation, role: Role) -> Self {
        Self { affiliation, role, jid: None, nick: None, actor: None, reason: None }
    }

    /// Writes the element.
    pub(crate) fn write(&self, xml: &mut Xml) {
        xml.open("item")
            .attr("affiliation", self.affiliation.as_str())
            .attr("role", self.role.as_str())
            .attr_opt("jid", self.jid.map(Jid::as_str))
            .attr_opt("nick", self.nick);
        if let Some(actor) = self.actor {
            xml.open("actor").attr("nick", actor).close();
        }
        if let Some(reason) = self.reason {
            xml.text_element("reason", None, reason);
        }
        xml.close();
    }
}

/// Status codes, each once and in ascending order.
pub(crate) fn write_codes(xml: &mut Xml, codes: &[u16]) {
    let mut codes = codes.to_vec();
    codes.sort_unstable();
    codes.dedup();
    for code in codes {
        xml.open("status").attr_display("code", code).close();
    }
}

/// Unavailable presence from an address in the room.
pub(crate) fn gone(from: &Jid, payload: Vec<u8>) -> Outgoing {
    Outgoing { payload, ..Outgoing::presence(PresenceType::Unavailable, from) }
}

/// The same for many.
pub(crate) fn gone_template(from: &Jid, payload: Vec<u8>) -> Template {
    gone(from, payload).template()
}

fn same(one: &Template, other: &Template) -> bool {
    let nobody = Recipient::from(annex_stanza::Address::from(Vec::new()));
    one.len() == other.len() && one.render(&nobody) == other.render(&nobody)
}
