//! The machine that every component runs in: routes inputs, keeps handlers all-or-nothing, and
//! answers what all services have in common.

mod refusals;

use std::panic::{AssertUnwindSafe, catch_unwind};

use annex_stanza::{
    IqType, Jid, Kind, MessageType, PresenceType, Refusal, Stanza, Timestamp, refuse,
};

use crate::{
    audit, basic, commands,
    component::{Component, Event, Person},
    context::{Context, Failure, Outcome, ReplyTo, Shared},
    disco, due,
    effect::{Effect, Lane, Timer},
    input::{Common, Input},
    machine::Machine,
    registry::{Answer, Handler, Registry, Shape},
    slices,
    store::{Page, StoreError, Table},
    turn::Turn,
    unconfirmed,
};

/// A component with everything around it that is pure.
pub struct Service<C> {
    component: C,
    registry: Registry<C>,
    shared: Shared,
    sessions: commands::Sessions,
}

impl<C: Component> Service<C> {
    /// A service with these settings; it has read nothing before `Input::Start`.
    pub fn new(common: Common, section: &serde_json::Value) -> Self {
        Self {
            component: C::new(section),
            registry: commands::with_common(C::registry()),
            shared: Shared::new(common),
            sessions: commands::Sessions::default(),
        }
    }

    /// The component, for tests and `status`.
    pub fn component(&self) -> &C {
        &self.component
    }

    /// Runs `act`, and keeps what it wrote and emitted only if it succeeds. This is the one place
    /// that discards and the one that answers a failure.
    fn attempt(
        &mut self,
        turn: &mut Turn<'_>,
        address: &Jid,
        removes: bool,
        act: impl FnOnce(&mut Self, &mut Turn<'_>) -> Outcome<()>,
    ) -> Result<(), Refusal> {
        let savepoint = turn.savepoint();
        let (due, finished) = (self.shared.due.clone(), self.shared.finished.len());
        let (last_id, late) = (self.shared.last_id(), self.shared.unconfirmed.late());
        let outcome = catch_unwind(AssertUnwindSafe(|| act(self, turn)));
        let refusal = match outcome {
            Ok(Ok(())) => {
                let writes = turn.wrote_since(savepoint) || self.shared.unconfirmed.late() > late;
                if !(turn.is_space_low() && !removes && writes) {
                    return Ok(());
                }
                self.component.forget(address);
                refusals::no_space()
            }
            Ok(Err(Failure::Refused(refusal))) => refusal,
            Ok(Err(Failure::Store(error))) => {
                turn.rollback(savepoint);
                turn.fail(error);
                return Ok(());
            }
            Err(_) => {
                // The panic hook has logged where.
                self.component.forget(address);
                refusals::panicked()
            }
        };
        turn.rollback(savepoint);
        self.shared.due = due;
        self.shared.finished.truncate(finished);
        self.shared.unconfirmed.withdraw(late);
        self.shared.withdraw(last_id);
        self.sessions.withdraw(last_id);
        turn.emit(Effect::Count {
            metric: "annex_refusals_total",
            label: Some(("reason", refusal.reason)),
            by: 1,
        });
        Err(refusal)
    }

    fn stanza(&mut self, stanza: &Stanza, turn: &mut Turn<'_>) {
        // Leaving and error reports free resources: they go on when space is low.
        let removes = matches!(
            stanza.kind,
            Kind::Presence(PresenceType::Unavailable | PresenceType::Error)
                | Kind::Message(MessageType::Error)
                | Kind::Iq(IqType::Result | IqType::Error)
        );
        let outcome =
            self.attempt(turn, &stanza.to, removes, |this, turn| this.route(stanza, turn));
        if let Err(refusal) = outcome {
            tracing::debug!(
                reason = refusal.reason,
                condition = refusal.condition.as_str(),
                "refused"
            );
            if let Some(error) = refuse(stanza, &refusal).filter(|_| self.is_ours(&stanza.to)) {
                turn.send_in(Lane::of(&stanza.to), &error, &stanza.from);
            }
        }
    }

    /// It is of our domain: nobody is answered in the name of another.
    fn is_ours(&self, address: &Jid) -> bool {
        address.domain_key() == self.shared.common.jid.domain_key()
    }

    /// Answers commands that were finished outside their own step.
    fn finish(&mut self, turn: &mut Turn<'_>) {
        for (ticket, result) in std::mem::take(&mut self.shared.finished) {
            let mut context = Context { turn, shared: &mut self.shared };
            self.sessions.finish(ticket, result, &mut context);
        }
    }

    fn route(&mut self, stanza: &Stanza, turn: &mut Turn<'_>) -> Outcome<()> {
        if !self.is_ours(&stanza.to) {
            let error = matches!(
                stanza.kind,
                Kind::Message(MessageType::Error) | Kind::Presence(PresenceType::Error)
            );
            return match self.registry.returned.filter(|_| error) {
                Some(handler) => self.call(handler, stanza, turn),
                None => Err(refusals::not_ours().into()),
            };
        }
        let shape = Shape::of(&stanza.to);
        match stanza.kind {
            Kind::Iq(IqType::Get | IqType::Set) => self.request(shape, stanza, turn),
            Kind::Iq(IqType::Result | IqType::Error) => match self.registry.iq_answer {
                Some(handler) => self.call(handler, stanza, turn),
                None => Ok(()),
            },
            Kind::Message(kind) => {
                let handler = find(&self.registry.message, shape);
                match handler {
                    Some(handler) => self.call(handler, stanza, turn),
                    None if kind == MessageType::Error => Ok(()),
                    None => Err(refusals::no_messages().into()),
                }
            }
            Kind::Presence(kind) => match find(&self.registry.presence, shape) {
                Some(handler) => self.call(handler, stanza, turn),
                None => basic::presence(kind, stanza, turn),
            },
        }
    }

    fn call(&mut self, handler: Handler<C>, stanza: &Stanza, turn: &mut Turn<'_>) -> Outcome<()> {
        let mut context = Context { turn, shared: &mut self.shared };
        handler(&mut self.component, stanza, &mut context)
    }

    fn request(&mut self, shape: Shape, stanza: &Stanza, turn: &mut Turn<'_>) -> Outcome<()> {
        let Kind::Iq(kind) = stanza.kind else {
            return Ok(());
        };
        if stanza.id.is_none() {
            return Err(refusals::no_id().into());
        }
        // The gate has seen to it that there is exactly one payload.
        let Some(payload) = stanza.payload.children().first() else {
            return Err(refusals::unknown_payload().into());
        };
        let route = self.registry.iq.iter().find(|route| {
            route.shape == shape
                && route.kind == kind
                && (route.ns == "*" || route.ns == &*payload.ns)
                && (route.name == "*" || route.name == &*payload.name)
        });
        let (component, registry) = (&mut self.component, &self.registry);
        let mut context = Context { turn, shared: &mut self.shared };
        let answer = match route {
            Some(route) if route.ns != "*" => (route.handler)(component, stanza, &mut context)?,
            wildcard => {
                let common = disco::request(component, registry, shape, stanza, &mut context)
                    .or_else(|| {
                        self.sessions.request(component, registry, shape, stanza, &mut context)
                    })
                    .or_else(|| basic::request(shape, stanza, &mut context));
                match (common, wildcard) {
                    (Some(answer), _) => answer?,
                    (None, Some(route)) => (route.handler)(component, stanza, &mut context)?,
                    (None, None) => return Err(refusals::unknown_payload().into()),
                }
            }
        };
        if let Answer::Result(payload) = answer {
            context.reply(&ReplyTo::from(stanza), Ok(payload));
        }
        Ok(())
    }

    /// Something that is not a stanza: where nobody can be answered, a refusal is only logged.
    /// True if it was handled.
    fn event(&mut self, event: Event, turn: &mut Turn<'_>) -> bool {
        let address = self.shared.common.jid.clone();
        // What was promised goes on when space is low; what somebody asks for over HTTP does not.
        let asked = match &event {
            Event::Request { token, .. } => Some(*token),
            _ => None,
        };
        let outcome = self.attempt(turn, &address, asked.is_none(), |this, turn| {
            let mut context = Context { turn, shared: &mut this.shared };
            this.component.event(event, &mut context)
        });
        let Err(refusal) = outcome else { return true };
        tracing::warn!(reason = refusal.reason, "an event could not be handled");
        if let Some(token) = asked {
            turn.emit(Effect::Respond { token, response: commands::response(Err(refusal)) });
        }
        false
    }

    fn timer(&mut self, timer: Timer, turn: &mut Turn<'_>) {
        let outcome = match timer {
            due::TIMER => self.due(turn),
            unconfirmed::TIMER => self.shared.unconfirmed.drop_slice(turn),
            unconfirmed::TIMER_LATE => {
                self.shared.unconfirmed.write_late(turn, false);
                Ok(())
            }
            slices::TIMER => slices::run(turn),
            audit::TIMER => audit::sweep(turn),
            commands::TIMER => {
                let mut context = Context { turn, shared: &mut self.shared };
                self.sessions.expire(&mut context);
                Ok(())
            }
            _ => {
                self.event(Event::Timer(timer), turn);
                Ok(())
            }
        };
        if let Err(error) = outcome {
            turn.fail(error);
        }
    }

    fn due(&mut self, turn: &mut Turn<'_>) -> Result<(), StoreError> {
        for timer in self.shared.due.take(turn)? {
            if !self.event(Event::Timer(timer), turn) && !turn.has_failed() {
                // What must happen is not forgotten because it failed once.
                let again = Timestamp(turn.wall().0.saturating_add(due::AGAIN));
                self.shared.due.set(turn, again, timer);
            }
        }
        Ok(())
    }

    /// A page that the audit log asked for, or one of the component's.
    fn fetched(&mut self, id: u64, page: Page, turn: &mut Turn<'_>) {
        let mut context = Context { turn, shared: &mut self.shared };
        match audit::fetched(id, &page, &mut context) {
            Ok(true) => {}
            Ok(false) => {
                self.event(Event::Fetched { id, page }, turn);
            }
            Err(error) => turn.fail(error),
        }
    }

    fn command(
        &mut self,
        token: u64,
        verb: &str,
        arguments: &serde_json::Value,
        actor: &str,
        turn: &mut Turn<'_>,
    ) {
        let address = self.shared.common.jid.clone();
        let removes = verb == "person forget" || commands::process::is_noted(verb);
        let outcome = self.attempt(turn, &address, removes, |this, turn| {
            if let Some((what, person)) = person_verb(verb, arguments)? {
                let mut context = Context { turn, shared: &mut this.shared };
                if let Some(messages) = what.messages() {
                    let reason = format!("messages: {messages}");
                    context.audit(actor, "person/forget", &person, Some(&reason));
                }
                let event = Event::Person { token, person, what };
                return this.component.event(event, &mut context);
            }
            let mut context = Context { turn, shared: &mut this.shared };
            let asked = commands::Verb { token, verb, arguments, actor };
            if commands::process::note(&asked, &mut context) {
                return Ok(());
            }
            this.sessions.verb(&mut this.component, &this.registry, &asked, &mut context)
        });
        if let Err(refusal) = outcome {
            let response = commands::response(Err(refusal));
            turn.emit(Effect::Respond { token, response });
        }
    }
}

fn find<C>(handlers: &[(Shape, Handler<C>)], shape: Shape) -> Option<Handler<C>> {
    handlers.iter().find(|(of, _)| *of == shape).map(|(_, handler)| *handler)
}

/// `person show` and `person forget` are the same in every component.
fn person_verb(verb: &str, arguments: &serde_json::Value) -> Outcome<Option<(Person, Jid)>> {
    let what = match (verb, arguments["messages"].as_str()) {
        ("person show", _) => Person::Show,
        ("person forget", None | Some("keep")) => Person::Keep,
        ("person forget", Some("tombstone")) => Person::Tombstone,
        ("person forget", Some("delete")) => Person::Delete,
        ("person forget", Some(_)) => {
            return Err(refusals::bad_argument("messages is keep, tombstone or delete").into());
        }
        _ => return Ok(None),
    };
    let jid = arguments["jid"].as_str().and_then(|text| Jid::parse(text).ok());
    let jid =
        jid.ok_or_else(|| refusals::bad_argument("jid: an address such as user@example.com"))?;
    Ok(Some((what, jid.bare())))
}

impl<C: Component> Machine for Service<C> {
    fn handle(&mut self, input: Input, turn: &mut Turn<'_>) {
        match input {
            Input::Start => {
                self.shared.started = turn.wall();
                if !self.event(Event::Start, turn) {
                    turn.fail(StoreError::new("start", "the records could not be taken up"));
                }
                for timer in [due::TIMER, slices::TIMER, audit::TIMER] {
                    self.timer(timer, turn);
                }
            }
            Input::Stanza(stanza) => self.stanza(&stanza, turn),
            Input::Refused { header, refusal } => {
                turn.count("annex_refused_stanzas_total", Some(("reason", refusal.reason)));
                let answer = header.refuse(&refusal, &self.shared.common.jid);
                if let Some((error, to)) = answer.filter(|(error, _)| self.is_ours(&error.from)) {
                    turn.send_in(Lane::of(&error.from), &error, &to);
                }
            }
            Input::Timer(timer) => self.timer(timer, turn),
            Input::Online { confirmed } => {
                self.shared.online = true;
                self.event(Event::Online { confirmed }, turn);
            }
            Input::Confirmed(mark) => self.shared.unconfirmed.confirm(turn, mark),
            Input::Offline(ending) => {
                self.shared.online = false;
                self.shared.unconfirmed.write_late(turn, true);
                self.event(Event::Offline(ending), turn);
            }
            Input::Fetched { id, page } => self.fetched(id, page, turn),
            Input::Done { id, result } => {
                let mut context = Context { turn, shared: &mut self.shared };
                if !commands::process::done(id, &result, &mut context) {
                    self.event(Event::Done { id, result }, turn);
                }
            }
            Input::Request { token, method, path, headers, body } => {
                self.event(Event::Request { token, method, path, headers, body }, turn);
            }
            Input::Command { token, verb, arguments, actor } => {
                self.command(token, &verb, &arguments, &actor, turn);
            }
            Input::Config { common, section } => {
                self.shared.common = common;
                self.event(Event::Config(section), turn);
            }
            Input::SpaceLow(low) => turn.set_space_low(low),
            Input::Shutdown { last } => {
                self.shared.unconfirmed.write_late(turn, true);
                self.event(Event::Shutdown { last }, turn);
            }
        }
        self.finish(turn);
    }

    fn status(&self) -> serde_json::Value {
        self.component.status()
    }

    fn redact(
        table: Table,
        record: &[u8],
        pseudonym: &mut dyn FnMut(&str) -> String,
    ) -> Option<Vec<u8>> {
        C::redact(table, record, pseudonym)
    }
}
