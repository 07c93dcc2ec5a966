//! Sessions of ad-hoc commands (XEP-0050 §3.3): which form a user was shown, and what was answered
//! so far; and tickets of commands that are answered later.
//!
//! Memory only: after a restart a session is gone, and its user is told `bad-sessionid`.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use annex_stanza::{Jid, Refusal, Stanza};

use super::{
    TIMER, Ticket,
    form::{self, Action, Head, Request},
    refusals, verb,
};
use crate::{
    command::{Arguments, Command, Next, Report, Step},
    context::{Context, Outcome, ReplyTo},
    disco,
    effect::{Effect, Response},
    registry::Answer,
};

/// Sessions of all users together; for admins, of whom there are few, as many again, so that
/// strangers cannot use up what they need.
const OPEN: usize = 256;
/// Sessions of one user, with all resources; the oldest gives way.
const OPEN_EACH: usize = 8;
/// Bytes of answers that a session keeps.
const ANSWERS: usize = 64 * 1024;
/// Ids of sessions that are over and still told from ids that never were.
const ENDED: usize = 256;
/// Commands that are answered later, together; for admins and the admin socket as many again.
const LATER: usize = 256;
/// The same of one user, with all resources.
const LATER_EACH: usize = 8;

#[derive(Debug)]
struct Session {
    /// Full address of the one user it belongs to (XEP-0050 §3.3), as its key.
    user: String,
    /// The same without the resource.
    account: String,
    node: &'static str,
    /// One for each form that was answered.
    answers: Vec<Arguments>,
    /// The form that was shown last.
    step: Step,
    /// Since the start of the machine.
    expires: Duration,
    /// Order of creation.
    age: u64,
}

/// Who waits for a command's end.
#[derive(Debug)]
enum Asker {
    Iq { reply: ReplyTo, session: String, node: &'static str, name: &'static str, room: usize },
    Verb { token: u64 },
}

#[derive(Debug)]
struct Waiting {
    asker: Asker,
    expires: Duration,
}

/// Everything that is under way.
#[derive(Debug, Default)]
pub struct Sessions {
    open: BTreeMap<String, Session>,
    ended: VecDeque<String>,
    later: BTreeMap<Ticket, Waiting>,
    newest: u64,
}

impl Sessions {
    /// One request about a command that its sender may run.
    pub(super) fn step<C>(
        &mut self,
        component: &mut C,
        command: &Command<C>,
        stanza: &Stanza,
        request: Request,
        context: &mut Context<'_, '_>,
    ) -> Outcome<Answer> {
        let Some(id) = request.session else {
            if request.action != Action::Execute {
                return Err(refusals::bad_action().into());
            }
            self.may_wait(&stanza.from, context)?;
            let next = (command.run)(component, &stanza.from, &Arguments::default(), 0, context)?;
            let most = if is_admin(&stanza.from, context) { 2 * OPEN } else { OPEN };
            // A step that asks has done nothing yet.
            if matches!(next, Next::Ask(_)) && self.open.len() >= most {
                return Err(refusals::too_many().into());
            }
            let id = context.turn.token();
            return Ok(self.proceed(id, command, Vec::new(), next, stanza, context));
        };

        let session = self.session(&id, command.node, stanza, context)?;
        let action = match request.action {
            // XEP-0050 §3.4: execute is the default that was shown.
            Action::Execute if session.step.more => Action::Next,
            Action::Execute => Action::Complete,
            other => other,
        };
        let mut answers = session.answers.clone();
        let mut earlier = None;
        match action {
            Action::Cancel => {
                let head = Head { session: &id, node: command.node, name: command.name };
                let answer = form::canceled(head);
                self.end(id);
                return Ok(Answer::Result(answer));
            }
            Action::Prev => {
                earlier = answers.pop();
                if earlier.is_none() {
                    return Err(refusals::bad_action().into());
                }
            }
            Action::Next if !session.step.more => return Err(refusals::bad_action().into()),
            Action::Complete if session.step.more => return Err(refusals::bad_action().into()),
            Action::Next | Action::Complete | Action::Execute => {
                answers.push(form::accept(&session.step, request.form.as_ref())?);
            }
        }
        self.may_wait(&stanza.from, context)?;
        let given = merged(&answers);
        if size(&given) > ANSWERS {
            return Err(refusals::bad_payload("The answers are too long".into()).into());
        }
        let mut next = (command.run)(component, &stanza.from, &given, answers.len(), context)?;
        if let (Next::Ask(step), Some(earlier)) = (&mut next, &earlier) {
            form::fill(step, earlier);
        }
        Ok(self.proceed(id, command, answers, next, stanza, context))
    }

    fn session(
        &self,
        id: &str,
        node: &str,
        stanza: &Stanza,
        context: &Context<'_, '_>,
    ) -> Result<&Session, Refusal> {
        let Some(session) = self.open.get(id) else {
            let over = self.ended.iter().any(|ended| ended == id);
            return Err(if over { refusals::expired() } else { refusals::bad_session() });
        };
        if session.user != user_key(stanza) || session.node != node {
            return Err(refusals::bad_session());
        }
        if session.expires <= context.turn.since_start() {
            return Err(refusals::expired());
        }
        Ok(session)
    }

    /// What a step led to. Nothing fails from here on.
    fn proceed<C>(
        &mut self,
        id: String,
        command: &Command<C>,
        answers: Vec<Arguments>,
        next: Next,
        stanza: &Stanza,
        context: &mut Context<'_, '_>,
    ) -> Answer {
        let (node, name) = (command.node, command.name);
        let room = disco::room(&ReplyTo::from(stanza), &context.shared.common);
        let head = Head { session: &id, node, name };
        match next {
            Next::Ask(step) => {
                let answer = form::executing(head, &step, !answers.is_empty());
                self.keep(id, node, answers, step, stanza, context);
                Answer::Result(answer)
            }
            Next::Done(report) => {
                let answer = form::completed(head, &report, room);
                self.end(id);
                Answer::Result(answer)
            }
            Next::Later(ticket) => {
                self.end(id.clone());
                let reply = ReplyTo::from(stanza);
                let asker = Asker::Iq { reply, session: id, node, name, room };
                self.wait(ticket, asker, context);
                Answer::Later
            }
        }
    }

    fn keep(
        &mut self,
        id: String,
        node: &'static str,
        answers: Vec<Arguments>,
        step: Step,
        stanza: &Stanza,
        context: &mut Context<'_, '_>,
    ) {
        let account = stanza.from.bare_key().to_owned();
        let age = self.open.get(&id).map_or(self.newest + 1, |session| session.age);
        self.newest = self.newest.max(age);
        let expires = context.turn.since_start() + context.shared.common.command_timeout;
        let user = user_key(stanza);
        let session = Session { user, account: account.clone(), node, answers, step, expires, age };
        self.open.insert(id, session);
        let own = |session: &&Session| session.account == account;
        if self.open.values().filter(own).count() > OPEN_EACH {
            let oldest = self.open.iter().filter(|(_, s)| own(s)).min_by_key(|(_, s)| s.age);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                self.end(id);
            }
        }
        self.arm(context);
    }

    fn end(&mut self, id: String) {
        self.open.remove(&id);
        self.ended.push_back(id);
        if self.ended.len() > ENDED {
            self.ended.pop_front();
        }
    }

    fn wait(&mut self, ticket: Ticket, asker: Asker, context: &mut Context<'_, '_>) {
        let expires = context.turn.since_start() + context.shared.common.command_timeout;
        self.later.insert(ticket, Waiting { asker, expires });
        self.arm(context);
    }

    /// The admin socket waits for `ticket`.
    pub(super) fn wait_verb(&mut self, ticket: Ticket, token: u64, context: &mut Context<'_, '_>) {
        self.wait(ticket, Asker::Verb { token }, context);
    }

    /// Before a step that may be answered later: there is room for one more.
    pub(super) fn may_wait(&self, user: &Jid, context: &Context<'_, '_>) -> Result<(), Refusal> {
        let is_own = |waiting: &&Waiting| match &waiting.asker {
            Asker::Iq { reply, .. } => reply.asker.bare_key() == user.bare_key(),
            Asker::Verb { .. } => false,
        };
        let most = if is_admin(user, context) { 2 * LATER } else { LATER };
        if self.later.len() >= most || self.later.values().filter(is_own).count() >= LATER_EACH {
            return Err(refusals::too_many());
        }
        Ok(())
    }

    /// What was begun since ticket number `last` was given out was discarded: nobody waits for it.
    pub(crate) fn withdraw(&mut self, last: u64) {
        self.later.split_off(&Ticket(last + 1));
    }

    /// A command that took a ticket is done.
    pub fn finish(
        &mut self,
        ticket: Ticket,
        result: Result<Report, Refusal>,
        context: &mut Context<'_, '_>,
    ) {
        let Some(waiting) = self.later.remove(&ticket) else {
            return;
        };
        match waiting.asker {
            Asker::Iq { reply, session, node, name, room } => {
                let head = Head { session: &session, node, name };
                let answer = result.map(|report| form::completed(head, &report, room));
                context.reply(&reply, answer);
            }
            Asker::Verb { token } => {
                let response: Response = verb::response(result);
                context.turn.emit(Effect::Respond { token, response });
            }
        }
    }

    /// Forgets what is over, and tells those who wait for a ticket.
    pub fn expire(&mut self, context: &mut Context<'_, '_>) {
        let now = context.turn.since_start();
        let over: Vec<String> = self
            .open
            .iter()
            .filter(|(_, session)| session.expires <= now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            self.end(id);
        }
        let over: Vec<Ticket> = self
            .later
            .iter()
            .filter(|(_, waiting)| waiting.expires <= now)
            .map(|(ticket, _)| *ticket)
            .collect();
        for ticket in over {
            self.finish(ticket, Err(refusals::timed_out()), context);
        }
        self.arm(context);
    }

    /// Arms the timer for what ends first.
    fn arm(&self, context: &mut Context<'_, '_>) {
        let open = self.open.values().map(|session| session.expires);
        let later = self.later.values().map(|waiting| waiting.expires);
        if let Some(at) = open.chain(later).min() {
            context.turn.arm(TIMER, at.saturating_sub(context.turn.since_start()));
        }
    }
}

/// An admin, or the service itself, as which the users of the admin socket act.
fn is_admin(user: &Jid, context: &Context<'_, '_>) -> bool {
    let common = &context.shared.common;
    common.is_admin(user) || user.bare_key() == common.jid.bare_key()
}

fn user_key(stanza: &Stanza) -> String {
    stanza.from.key().to_owned()
}

/// Later answers win over earlier ones.
fn merged(answers: &[Arguments]) -> Arguments {
    let mut all = Arguments::default();
    for answer in answers {
        all.0.extend(answer.0.iter().map(|(var, values)| (var.clone(), values.clone())));
    }
    all
}

fn size(arguments: &Arguments) -> usize {
    arguments.0.iter().flat_map(|(var, values)| values.iter().map(|v| v.len() + var.len())).sum()
}
