//! The service: what it offers, and where each stanza and event goes.

use std::time::Duration;

use annex_service::{
    basic,
    commands::Ticket,
    component::{Component, Event},
    context::{Context, Failure, Outcome},
    effect::{Effect, Response, Timer},
    pending::Pending,
    record::{Record, Shown},
    registry::{Answer, Registry, Shape},
    settings::{Mistake, Setting},
    store::{Page, Table},
};
use annex_stanza::{IqType, Jid, Kind, PresenceType, Stanza, ns};

use crate::{
    config::{self, Settings},
    disco,
    feature::self_ping,
    keys::{self, RoomRecord},
    operator, person, refusals,
    room::{
        Rooms, admin,
        depart::Departure,
        errors, join, leave, lists, message, owner,
        presence::Asked,
        private, retell,
        sweep::{self, Sweep},
        update,
    },
};

/// A room was not configured in time (due); the id is the room's.
pub(crate) const TIMER_LOCK: u8 = 32;
/// Presence that came too fast is shown; the id is the room's.
pub(crate) const TIMER_PRESENCES: u8 = 33;
/// The sweep goes on.
pub(crate) const TIMER_SWEEP: u8 = 34;
/// Silent sessions are removed.
pub(crate) const TIMER_GRACE: u8 = 35;
/// Idle rooms are forgotten.
pub(crate) const TIMER_IDLE: u8 = 36;

/// Time after which an empty room leaves memory.
const IDLE: Duration = Duration::from_secs(60);
const WATCH: Timer = Timer { kind: TIMER_IDLE, id: 0 };
/// Pages under way at most.
const PAGES: usize = 256;

/// What a page that is being read is for.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// A list of affiliations.
    List(lists::Listing),
    /// A list of rooms.
    Rooms(Ticket),
    /// Everything about a person.
    Person(Box<person::Walk>),
}

/// Multi-User Chat (XEP-0045).
#[derive(Debug)]
pub struct Muc {
    pub(crate) settings: Settings,
    pub(crate) rooms: Rooms,
    pub(crate) waiting: Pending<Waiting>,
    pub(crate) sweep: Sweep,
}

impl Component for Muc {
    const PROGRAM: &'static str = "annex-muc";
    const SECTION: &'static str = "muc";
    const NAME: &'static str = "Rooms";
    const TABLES: &'static [Table] = keys::TABLES;
    const SHOWN: &'static [Shown] = keys::SHOWN;

    fn registry() -> Registry<Self> {
        use IqType::{Get, Set};
        use Shape::{Entity, Occupant, Service};
        let mut registry = Registry::new()
            // §6.2, §6.4
            .identity(Service, "conference", "text")
            .identity(Entity, "conference", "text")
            .feature(Service, ns::MUC)
            .feature(Service, ns::MUC_STABLE_ID)
            .feature(Service, ns::OCCUPANT_ID)
            .feature(Entity, ns::MUC)
            .feature(Entity, ns::MUC_STABLE_ID)
            .feature(Entity, ns::OCCUPANT_ID)
            .feature(Entity, ns::SELF_PING)
            .feature(Entity, ns::PING)
            .feature(Entity, ns::MUC_ROOMCONFIG)
            .feature(Entity, ns::MUC_ROOMINFO)
            .info(Entity, disco::room_info)
            .items(Entity, disco::room_items)
            .items(Service, disco::rooms)
            .presence(Entity, presence)
            .presence(Occupant, presence)
            .message(Entity, message)
            .message(Occupant, message)
            .iq(Entity, Get, ns::MUC_OWNER, "query", owner::form)
            .iq(Entity, Set, ns::MUC_OWNER, "query", owner::set)
            .iq(Entity, Get, ns::MUC_ADMIN, "query", lists::get)
            .iq(Entity, Set, ns::MUC_ADMIN, "query", admin::set)
            .iq(Occupant, Get, ns::PING, "ping", self_ping::ping)
            // An occupant is not the service: it has no version and no time of ours.
            .iq(Occupant, Get, ns::VERSION, "*", self_ping::request)
            .iq(Occupant, Get, ns::TIME, "*", self_ping::request)
            .iq(Occupant, Get, ns::LAST, "*", self_ping::request)
            .iq(Occupant, Get, ns::DISCO_INFO, "*", self_ping::disco)
            .iq(Occupant, Get, ns::DISCO_ITEMS, "*", self_ping::disco)
            .iq(Occupant, Get, "*", "*", self_ping::request)
            .iq(Occupant, Set, "*", "*", self_ping::request)
            .iq(Entity, Get, ns::PING, "ping", ping_room)
            .iq(Entity, Get, ns::VERSION, "*", ask_room)
            .iq(Entity, Get, ns::TIME, "*", ask_room)
            .iq(Entity, Get, ns::LAST, "*", ask_room)
            .iq_answer(iq_answer);
        for command in operator::commands() {
            registry = registry.command(command);
        }
        registry
    }

    fn settings() -> &'static [Setting] {
        config::SETTINGS
    }

    fn check(section: &serde_json::Value, stanza_out: usize) -> Vec<Mistake> {
        config::check(section, stanza_out)
    }

    fn new(section: &serde_json::Value) -> Self {
        let settings = Settings::read(section);
        Self {
            rooms: Rooms::new(settings.admins_are_owners),
            settings,
            waiting: Pending::new(PAGES),
            sweep: Sweep::default(),
        }
    }

    fn event(&mut self, event: Event, context: &mut Context<'_, '_>) -> Outcome<()> {
        match event {
            Event::Start => {
                self.rooms.read_occupied(context)?;
                context.turn.arm(WATCH, IDLE);
            }
            Event::Done { .. } => {}
            Event::Timer(timer) => self.timer(timer, context)?,
            Event::Online { confirmed } => {
                retell::retell(self, confirmed, context)?;
                sweep::begin(self, context);
            }
            Event::Offline(_) => sweep::end(self, context),
            Event::Fetched { id, page } => self.fetched(id, &page, context)?,
            Event::Request { token, .. } => {
                let response = Response::error(404, "there is no such path");
                context.turn.emit(Effect::Respond { token, response });
            }
            Event::Config(section) => {
                self.settings = Settings::read(&section);
                self.rooms.admins_own = self.settings.admins_are_owners;
                admin::admins_changed(self, context)?;
            }
            Event::Shutdown { last } => {
                if last || self.settings.stop_on_shutdown {
                    self.shut_down(context)?;
                }
            }
            Event::Person { token, person, what } => {
                person::begin(self, token, &person, what, context)?;
            }
        }
        Ok(())
    }

    fn forget(&mut self, address: &Jid) {
        self.rooms.complete = false;
        if address.local().is_some() {
            self.rooms.forget(address);
        } else {
            // An event failed in the middle: nobody knows which rooms it changed.
            self.rooms.clear();
        }
    }

    fn redact(
        table: Table,
        record: &[u8],
        pseudonym: &mut dyn FnMut(&str) -> String,
    ) -> Option<Vec<u8>> {
        (table == RoomRecord::TABLE).then(|| RoomRecord::decode(record).ok())??.redacted(pseudonym)
    }

    fn status(&self) -> serde_json::Value {
        let (mut rooms, mut occupants, mut sessions) = (0, 0, 0);
        for room in self.rooms.iter() {
            rooms += 1;
            occupants += room.occupants.len();
            sessions += room.sessions.len();
        }
        serde_json::json!({
            "rooms in memory": rooms,
            "occupants": occupants,
            "sessions": sessions,
        })
    }
}

impl Muc {
    fn timer(&mut self, timer: Timer, context: &mut Context<'_, '_>) -> Outcome<()> {
        match timer.kind {
            TIMER_LOCK => owner::lock_timeout(self, timer.id, context),
            TIMER_PRESENCES => update::release(self, timer.id, context),
            TIMER_SWEEP => sweep::go_on(self, context),
            TIMER_GRACE => sweep::grace(self, context),
            TIMER_IDLE => {
                // Always, and not when a room is read: what a refused stanza arms is taken back.
                self.rooms.evict(context.turn.since_start(), IDLE);
                if !self.rooms.complete {
                    self.rooms.read_occupied(context)?;
                }
                context.turn.arm(WATCH, IDLE);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn fetched(&mut self, id: u64, page: &Page, context: &mut Context<'_, '_>) -> Outcome<()> {
        match self.waiting.take(id) {
            Some(Waiting::List(listing)) => lists::fetched(self, &listing, page, context),
            Some(Waiting::Rooms(ticket)) => operator::listed(self, ticket, page, context),
            Some(Waiting::Person(walk)) => person::fetched(self, *walk, page, context),
            None => Ok(()),
        }
    }

    /// §11.2: everybody is told that the service goes, each session for itself.
    fn shut_down(&mut self, context: &mut Context<'_, '_>) -> Outcome<()> {
        self.rooms.read_occupied(context)?;
        let occupied: Vec<Jid> = self
            .rooms
            .iter()
            .filter(|room| !room.is_empty())
            .map(|room| room.jid.clone())
            .collect();
        for jid in occupied {
            let Some(room) = self.rooms.here(&jid) else { continue };
            let everybody: Vec<u64> = room.occupants.keys().copied().collect();
            for number in everybody {
                let Some(occupant) = room.occupants.get(&number) else { continue };
                let sessions = occupant.sessions.clone();
                let departure = Departure { codes: &[332], ..Departure::default() };
                drop(room.depart(number, &sessions, &departure, context));
            }
            leave::settle(self, &jid, context)?;
        }
        Ok(())
    }

    /// Every room in memory as text: equal for equal states. For tests that compare memory with
    /// what its records give.
    pub fn image(&self) -> std::collections::BTreeMap<String, String> {
        self.rooms.iter().map(|room| (room.jid.to_string(), room.image())).collect()
    }
}

/// A message to a room, or to an occupant.
fn message(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let outcome = match stanza.to.resource() {
        None => message::message(muc, stanza, context),
        Some(_) => private::message(muc, stanza, context),
    };
    outcome.map_err(|failure| match failure {
        // §7.5: the room's own errors say so; those that an occupant's client gave are relayed.
        Failure::Refused(refusal) => Failure::Refused(refusal.by(stanza.to.bare())),
        store => store,
    })
}

/// Presence to a room or an occupant.
fn presence(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Kind::Presence(kind) = stanza.kind else { return Ok(()) };
    let outcome = match kind {
        PresenceType::Available if stanza.payload.has(ns::MUC, "x") => {
            join::enter(muc, stanza, context)
        }
        PresenceType::Available => update::presence(muc, stanza, context),
        PresenceType::Unavailable => leave::leave(muc, stanza, context),
        // §18.1.2: of those that mean that nobody is there.
        PresenceType::Error => errors::error(muc, stanza, context),
        PresenceType::Probe => probe(muc, stanza, context),
        // Rooms have no subscriptions; a request is not a join (§17.3).
        PresenceType::Subscribe if stanza.to.is_bare() => {
            basic::presence(kind, stanza, context.turn)
        }
        _ => Ok(()),
    };
    outcome.map_err(|failure| match failure {
        Failure::Refused(refusal) => {
            Failure::Refused(refusals::to_presence(refusal, &stanza.to.bare()))
        }
        store => store,
    })
}

/// §17.3: an occupant's server asks how somebody is.
fn probe(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let Some(room) = muc.rooms.find(&stanza.to, context)? else {
        return Err(refusals::no_room().into());
    };
    let Some(own) = room.sessions.get(&stanza.from) else {
        return Err(room.refuse_stranger(&stanza.from).into());
    };
    let (number, to, class) = (own.occupant, own.recipient(), room.class_of(own));
    if !stanza.to.is_full() {
        return Ok(());
    }
    let target = room.occupant_at(&stanza.to).ok_or_else(refusals::no_such_nick)?.number;
    if target == number {
        room.tell_own(number, &stanza.from, Asked::default(), context);
    } else if let Some(template) = room.shown_as(target, class) {
        room.send(template, to, context);
    }
    Ok(())
}

/// Answers to the pings of the sweep, and errors that come as such.
fn iq_answer(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<()> {
    let now = context.turn.since_start();
    if stanza.to.local().is_none() {
        return Ok(());
    }
    // §18.1.2: an error counts that answers what we sent, which is the ping of a sweep.
    let session = muc.rooms.here(&stanza.to).and_then(|room| room.sessions.get(&stanza.from));
    let asked = session.is_some_and(|session| session.asked);
    if asked && stanza.kind == Kind::Iq(IqType::Error) {
        sweep::refused(muc, stanza, context)?;
    }
    let Some(room) = muc.rooms.here(&stanza.to) else { return Ok(()) };
    if let Some(session) = room.sessions.get_mut(&stanza.from) {
        session.hear(now);
    }
    Ok(())
}

/// A ping to a room: it is there, or not (XEP-0199 §4).
fn ping_room(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<Answer> {
    muc.rooms.open(stanza, context)?;
    Ok(Answer::Result(Vec::new()))
}

/// A room is not the service: it has no version and no time of its own.
fn ask_room(muc: &mut Muc, stanza: &Stanza, context: &mut Context<'_, '_>) -> Outcome<Answer> {
    muc.rooms.open(stanza, context)?;
    Err(refusals::unknown().into())
}
