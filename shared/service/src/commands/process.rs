//! Commands about the process around the service, which carries them out and answers: an admin
//! corrects a setting, or looks into a fault, without a way into the machine. Stopping is left to
//! those who have one, as nobody else could start it again.

use annex_stanza::{Condition, Field, FieldKind, Jid, Refusal};

use super::{Ticket, Verb, verb};
use crate::{
    command::{Access, Arguments, Command, Next, Report, Step},
    context::{Context, Outcome},
    effect::{Call, CallResult, Order},
    pending::Pending,
};

/// Orders that may be under way at once.
const ORDERS: usize = 64;

/// Orders under way, for the commands that gave them.
#[derive(Debug)]
pub(crate) struct Orders(pub(crate) Pending<UnderWay>);

/// An order, for the audit log once it is carried out.
#[derive(Debug)]
pub(crate) struct UnderWay {
    ticket: Ticket,
    who: Jid,
    what: &'static str,
    reason: String,
}

impl Default for Orders {
    fn default() -> Self {
        Self(Pending::new(ORDERS))
    }
}

/// Verbs of the admin socket that the process carries out without us, as they are needed most where
/// a machine can do nothing; here they are only written down.
const NOTED: [&str; 6] = ["backup", "export", "log-level", "reconnect", "reload", "stop"];

/// It is about the process, and needs no space of its own: little of it is no reason to refuse.
pub(crate) fn is_noted(verb: &str) -> bool {
    NOTED.contains(&verb)
}

/// Writes down what the process carries out by itself: true if it was that.
pub(crate) fn note(asked: &Verb<'_>, context: &mut Context<'_, '_>) -> bool {
    if !is_noted(asked.verb) {
        return false;
    }
    let whom = context.shared.common.jid.clone();
    let last = asked.arguments["final"].as_bool() == Some(true);
    let reason = asked.arguments["level"].as_str().or(last.then_some("final"));
    context.audit(verb::actor(asked.actor, &whom), asked.verb, &whom, reason);
    context.respond(asked.token, Report::default());
    true
}

pub(super) fn reload<C>() -> Command<C> {
    Command {
        node: "reload",
        name: "Read the configuration again",
        access: Access::Admins,
        run: |_, who, given, _, context| {
            given.only(&[])?;
            order(Order::Reload, "reload", who, "", context)
        },
    }
}

pub(super) fn log_level<C>() -> Command<C> {
    Command { node: "log-level", name: "Level of the log", access: Access::Admins, run: set_level }
}

/// Arguments: `level`, a word or directives by target.
fn set_level<C>(
    _: &mut C,
    who: &Jid,
    given: &Arguments,
    answered: usize,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if answered == 0 {
        let level = Field::new(FieldKind::TextSingle, "level")
            .label("Level")
            .desc("error, warn, info, debug or trace; or by target: info,annex_daemon::link=debug")
            .required();
        return Ok(Next::Ask(Step {
            instructions: "It holds until the next reload or restart.".into(),
            fields: vec![level],
            more: false,
        }));
    }
    let level = given.one("level").unwrap_or_default();
    order(Order::LogLevel(level.to_owned()), "log-level", who, level, context)
}

fn order(
    order: Order,
    what: &'static str,
    who: &Jid,
    reason: &str,
    context: &mut Context<'_, '_>,
) -> Outcome<Next> {
    if context.shared.orders.0.is_full() {
        return Err(refused(Condition::ResourceConstraint, "Too much is under way".into()).into());
    }
    let id = context.call(Call::Process(order));
    let ticket = context.ticket();
    let order = UnderWay { ticket, who: who.clone(), what, reason: reason.to_owned() };
    context.shared.orders.0.insert(id, order);
    Ok(Next::Later(ticket))
}

/// A call is done: true if it was an order.
pub(crate) fn done(id: u64, result: &CallResult, context: &mut Context<'_, '_>) -> bool {
    let Some(UnderWay { ticket, who, what, reason }) = context.shared.orders.0.take(id) else {
        return false;
    };
    let answer = match result {
        CallResult::Done { body, .. } => {
            let whom = context.shared.common.jid.clone();
            context.audit(&who, what, &whom, Some(&reason));
            let note = String::from_utf8_lossy(body).into_owned();
            Ok(Report { note, ..Report::default() })
        }
        CallResult::Failed(why) => Err(refused(Condition::NotAcceptable, why.clone())),
        CallResult::TimedOut => {
            Err(refused(Condition::RemoteServerTimeout, "It takes too long".into()))
        }
        CallResult::Busy => {
            Err(refused(Condition::ResourceConstraint, "Too much is under way".into()))
        }
    };
    context.finish(ticket, answer);
    true
}

fn refused(condition: Condition, text: String) -> Refusal {
    Refusal::new(condition, "command.process").text(text)
}
