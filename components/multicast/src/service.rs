//! The service: what it offers, and where each stanza and event goes.

use std::collections::BTreeMap;

use annex_service::{
    component::{Component, Event},
    context::{Context, Outcome},
    effect::{Effect, Response},
    registry::{Answer, Registry, Shape},
    settings::{Mistake, Setting},
    store::{Migration, Table},
};
use annex_stanza::{IqType, Jid, Stanza, ns};

use crate::{
    access,
    config::{self, Settings},
    from_probe::{self, Probe},
    holders, keys,
    listed::Listed,
    lists, message,
    person::{self, Walk},
    presence,
    privilege::Privileges,
    refusals,
    remote::Remote,
    retell::{self, Retelling},
    send,
    sweep::{self, Sweep},
};

/// Extended Stanza Addressing (XEP-0033) as a service.
#[derive(Debug)]
pub struct Multicast {
    pub(crate) settings: Settings,
    pub(crate) probe: Probe,
    pub(crate) privileges: Privileges,
    pub(crate) remote: Remote,
    pub(crate) listed: Listed,
    pub(crate) sweep: Sweep,
    /// Under way on this stream.
    pub(crate) retelling: Option<Retelling>,
    pub(crate) walks: BTreeMap<u64, Walk>,
}

impl Component for Multicast {
    const PROGRAM: &'static str = "annex-multicast";
    const SECTION: &'static str = "multicast";
    const NAME: &'static str = "Multicast";
    const PORT: u16 = 5349;
    const KEEPS_FROM: bool = true;
    const TABLES: &'static [Table] = keys::TABLES;
    const MIGRATIONS: &'static [Migration] = &[holders::MIGRATION];
    const SHOWN: &'static [annex_service::record::Shown] = keys::SHOWN;

    fn registry() -> Registry<Self> {
        let mut registry = Registry::new()
            .identity(Shape::Service, "service", "multicast")
            .info(Shape::Service, access::info)
            .message(Shape::Service, message::message)
            .message(Shape::Entity, message::elsewhere)
            .message(Shape::Occupant, message::elsewhere)
            .presence(Shape::Service, presence::presence)
            .iq_answer(answer)
            .returned(send::returned);
        for shape in [Shape::Service, Shape::Entity, Shape::Occupant] {
            for kind in [IqType::Get, IqType::Set] {
                registry = registry.iq(shape, kind, ns::ADDRESS, "addresses", on_iq);
            }
        }
        lists::commands().into_iter().fold(registry, Registry::command)
    }

    fn settings() -> &'static [Setting] {
        config::SETTINGS
    }

    fn check(section: &serde_json::Value, _: usize) -> Vec<Mistake> {
        config::check(section)
    }

    fn needs_from(section: &serde_json::Value) -> bool {
        !Settings::read(section).privilege
    }

    fn new(section: &serde_json::Value) -> Self {
        Self {
            settings: Settings::read(section),
            probe: Probe::default(),
            privileges: Privileges::default(),
            remote: Remote::default(),
            listed: Listed::default(),
            sweep: Sweep::default(),
            retelling: None,
            walks: BTreeMap::new(),
        }
    }

    fn event(&mut self, event: Event, context: &mut Context<'_, '_>) -> Outcome<()> {
        match event {
            Event::Online { confirmed } => {
                retell::begin(self, confirmed, context);
                self.probe.online(self.settings.privilege, context);
            }
            Event::Offline(ending) => {
                self.probe.offline(ending, context);
                self.privileges.clear();
                self.remote.offline();
                sweep::end(self, context);
                retell::end(self, context);
            }
            Event::Timer(from_probe::TIMER) => {
                let permitted = self.is_permitted();
                self.probe.timed_out(permitted, context);
                retell::step(self, context)?;
            }
            Event::Timer(from_probe::TIMER_AGAIN) => self.probe.ask_again(context),
            Event::Timer(retell::TIMER) => retell::step(self, context)?,
            Event::Timer(sweep::TIMER_ASK) => sweep::ask(self, context)?,
            Event::Timer(sweep::TIMER_GRACE) => sweep::grace(self, context)?,
            Event::Config(section) => {
                self.settings = Settings::read(&section);
                // A server that gives permissions is not asked in a way that may end the stream.
                if !self.has_permission() {
                    self.probe.reset();
                    if context.shared.online && !self.probe.holds(context) {
                        self.probe.online(self.settings.privilege, context);
                    }
                }
                retell::step(self, context)?;
            }
            Event::Person { token, person, what } => {
                person::begin(self, token, &person, what, context)?;
            }
            Event::Request { token, .. } => {
                let response = Response::error(404, "there is no such path");
                context.turn.emit(Effect::Respond { token, response });
            }
            Event::Fetched { id, page } => {
                if let Some(walk) = self.walks.remove(&id) {
                    person::fetched(self, walk, &page, context)?;
                }
            }
            Event::Start | Event::Timer(_) | Event::Done { .. } | Event::Shutdown { .. } => {}
        }
        Ok(())
    }

    // What is in memory is read again from nowhere: it holds answers and questions, no records.
    fn forget(&mut self, _: &Jid) {}

    fn status(&self) -> serde_json::Value {
        let (servers, services) = self.remote.known();
        let used = self.has_permission();
        serde_json::json!({
            "trouble": self.probe.trouble().filter(|_| !used),
            "from_kept": u8::from(self.probe.verdict == from_probe::Verdict::Kept),
            "senders_addresses": match self.probe.verdict {
                from_probe::Verdict::Unknown => "asking",
                from_probe::Verdict::Kept => "kept",
                from_probe::Verdict::Refused if used => "replaced, with the server's permission",
                from_probe::Verdict::Refused if self.probe.is_hopeless() => "ruled out by the settings",
                from_probe::Verdict::Refused => "refused by the server",
            },
            "servers": { "known": servers, "with_service": services },
            "sweep": { "open": self.sweep.open() },
        })
    }
}

impl Multicast {
    /// Messages leave in their senders' names, but not of themselves.
    pub(crate) fn has_permission(&self) -> bool {
        self.probe.verdict == from_probe::Verdict::Refused && self.is_permitted()
    }

    /// A server permits it, where senders' addresses cannot stay.
    pub(crate) fn is_permitted(&self) -> bool {
        self.settings.privilege && self.privileges.any()
    }
}

/// XEP-0033 §3: addresses are never the child of an IQ.
fn on_iq(_: &mut Multicast, _: &Stanza, _: &mut Context<'_, '_>) -> Outcome<Answer> {
    Err(refusals::on_iq().into())
}

/// An answer to a question of ours.
fn answer(
    multicast: &mut Multicast,
    stanza: &Stanza,
    context: &mut Context<'_, '_>,
) -> Outcome<()> {
    let permitted = multicast.is_permitted();
    if multicast.probe.answer(stanza, permitted, context)
        || sweep::answer(multicast, stanza, context)?
    {
        return Ok(());
    }
    multicast.remote.answer(stanza, &multicast.settings, context);
    Ok(())
}
