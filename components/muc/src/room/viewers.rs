//! Who may see what (XEP-0045 §7.2.3, §7.2.4), and what is kept rendered for them.
//!
//! Viewers who see different things are classes, decided in [`Class::of`] and nowhere else. For each
//! class the room keeps its audience, and the presence of every occupant as the class sees it.

use annex_service::context::Context;
use annex_stanza::{Audience, Chunks, Jid, Recipient, Template};

use super::{
    Room,
    affiliation::Role,
    config::{Config, Whois},
    presence::Asked,
    session::Session,
};

/// Occupants of a room at most whose real addresses are shown anew to everybody when it becomes
/// non-anonymous: each is told of each, and an owner may do it as often as he likes. In a larger
/// room 172 says it, and addresses come with the next presence.
const SHOWN_ANEW: usize = 100;

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
    pub(crate) order: Vec<u64>,
    /// A list for each class; none where nobody has asked yet.
    pub(crate) lists: [Option<Chunks<Template>>; 2],
}

impl Roster {
    pub(crate) fn position(&self, number: u64) -> Option<usize> {
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

    pub(crate) fn remove(&mut self, number: u64) -> bool {
        let Some(at) = self.position(number) else { return false };
        self.order.remove(at);
        for list in self.lists.iter_mut().flatten() {
            list.remove(at);
        }
        true
    }
}

impl Room {
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

    /// Renders what viewers know, while it still is what they know: [`Room::publish`] tells them
    /// where it differs. To be called before presence changes, if anything else than `publish` for
    /// the same occupant renders it after that.
    pub(crate) fn remember_shown(&mut self) {
        self.render_roster(None);
    }

    /// Renders the lists of the classes that are needed.
    pub(crate) fn render_roster(&mut self, also: Option<Class>) {
        for class in Class::ALL {
            let needed = also == Some(class) || !self.audience[class as usize].is_empty();
            if needed && self.roster.lists[class as usize].is_none() {
                let occupants =
                    self.roster.order.iter().filter_map(|number| self.occupants.get(number));
                let list = occupants
                    .map(|occupant| self.available(occupant, class, &Asked::default()))
                    .collect();
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

    /// An occupant as a class sees it, if it is shown at all.
    pub(crate) fn shown_as(&mut self, number: u64, class: Class) -> Option<Template> {
        self.render_roster(Some(class));
        let at = self.roster.position(number)?;
        self.roster.lists[class as usize].as_ref()?.get(at).cloned()
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

    pub(crate) fn is_viewer(&self, jid: &Jid) -> bool {
        let Some(session) = self.sessions.get(jid) else { return false };
        self.audience.iter().any(|viewers| viewers.iter().any(|viewer| viewer.to == session.to))
    }

    /// The room's anonymity changed: every session moves to the class it belongs to. Those who now
    /// see more are shown everybody anew, unless the room is large.
    pub(crate) fn reclass_all(&mut self, old: &Config, context: &mut Context<'_, '_>) {
        let mut audience = [Audience::new(), Audience::new()];
        let mut see_more = Vec::new();
        for session in self.sessions.values() {
            let Some(occupant) = self.occupants.get(&session.occupant) else { continue };
            let class = Class::of(&self.record.config, occupant.role);
            audience[class as usize].push(session.recipient());
            if class == Class::Full && Class::of(old, occupant.role) != class {
                see_more.push((session.recipient(), session.occupant));
            }
        }
        self.audience = audience;
        if self.occupants.len() > SHOWN_ANEW {
            return;
        }
        self.render_roster(None);
        for (to, number) in see_more {
            self.publish_again(Class::Full, &to, number, context);
        }
    }

    /// An occupant's role changed: its sessions move to the class they belong to. Those who now see
    /// more are shown everybody anew.
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

pub(crate) fn same(one: &Template, other: &Template) -> bool {
    let nobody = Recipient::from(annex_stanza::Address::from(Vec::new()));
    one.len() == other.len() && one.render(&nobody) == other.render(&nobody)
}
