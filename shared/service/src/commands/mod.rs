//! Ad-hoc commands (XEP-0050) and the verbs of the admin socket: one [`Command`], offered twice.
//!
//! * here: routing, and who may run what;
//! * `session`: forms given so far, time-outs, limits, tickets;
//! * `form`: what is shown and what is taken in;
//! * `verb`: the admin socket's side;
//! * `common`: the commands that every service has;
//! * `process`: those of them that the process around it carries out.

mod common;
mod form;
pub(crate) mod process;
mod refusals;
mod session;
mod verb;

use annex_stanza::{Jid, Stanza, ns};

use crate::{
    command::{Access, Command},
    component::Component,
    context::{Context, Outcome},
    effect::Timer,
    input::Common,
    registry::{Answer, Registry, Shape},
};

pub use session::Sessions;
pub use verb::Verb;
pub(crate) use verb::{all_known, response};

/// Forgets sessions and tickets whose time is over.
pub const TIMER: Timer = Timer { kind: 4, id: 0 };

/// Names a command that is answered later: see [`Context::ticket`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub(crate) u64);

/// Adds the commands of every service, where the component has none of its own with that node.
pub(crate) fn with_common<C: Component>(mut registry: Registry<C>) -> Registry<C> {
    for command in common::commands() {
        if !registry.commands.iter().any(|own| own.node == command.node) {
            registry.commands.push(command);
        }
    }
    registry.commands.sort_by_key(|command| command.node);
    registry
}

/// The commands that this user may run, by node.
pub(crate) fn visible<'a, C>(
    registry: &'a Registry<C>,
    common: &'a Common,
    user: &'a Jid,
) -> impl Iterator<Item = &'a Command<C>> {
    registry.commands.iter().filter(|command| may_run(command, common, user))
}

/// The command of a node, if this user may run it.
pub(crate) fn find<'a, C>(
    registry: &'a Registry<C>,
    common: &Common,
    user: &Jid,
    node: &str,
) -> Outcome<Option<&'a Command<C>>> {
    let Some(command) = registry.commands.iter().find(|command| command.node == node) else {
        return Ok(None);
    };
    if !may_run(command, common, user) {
        return Err(refusals::forbidden().into());
    }
    Ok(Some(command))
}

fn may_run<C>(command: &Command<C>, common: &Common, user: &Jid) -> bool {
    match command.access {
        Access::Admins => common.is_admin(user),
        Access::Anyone => true,
    }
}

impl Sessions {
    /// Answers `<command/>`; nothing if the request is about something else.
    pub fn request<C>(
        &mut self,
        component: &mut C,
        registry: &Registry<C>,
        shape: Shape,
        stanza: &Stanza,
        context: &mut Context<'_, '_>,
    ) -> Option<Outcome<Answer>> {
        let payload = stanza.payload.children().first()?;
        if shape != Shape::Service || !payload.is(ns::COMMANDS, "command") {
            return None;
        }
        Some(self.command(component, registry, stanza, context))
    }

    fn command<C>(
        &mut self,
        component: &mut C,
        registry: &Registry<C>,
        stanza: &Stanza,
        context: &mut Context<'_, '_>,
    ) -> Outcome<Answer> {
        let request = form::Request::parse(stanza)?;
        let command = find(registry, &context.shared.common, &stanza.from, &request.node)?
            .ok_or_else(refusals::no_such_command)?;
        self.step(component, command, stanza, request, context)
    }
}
