//! Finding out whether the server lets the sender's `from` stay (XEP-0033 §3): a stanza to
//! ourselves with a local user's address. If it comes back, it does. A server that does not closes
//! the stream, or lets nothing come back.
//!
//! The server's software is asked beside (XEP-0092), so that the operator gets the one line that is
//! missing.

use std::time::Duration;

use annex_service::{context::Context, effect::Timer};
use annex_stanza::{IqType, Jid, MessageType, Outgoing, Stanza, ns};

use crate::report::NS;

/// No answer came.
pub(crate) const TIMER: Timer = Timer { kind: 32, id: 0 };

const TIMEOUT: Duration = Duration::from_secs(10);

/// Streams that break while a probe is under way before it counts as the reason: one may break by
/// chance.
const BREAKS: u8 = 2;

/// Whether a sender's address may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// Not known yet.
    #[default]
    Unknown,
    /// It may.
    Kept,
    /// The server does not let it.
    Refused,
}

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    pub(crate) verdict: Verdict,
    /// Id of the probe that is under way.
    probe: Option<String>,
    /// Id of the question for the server's software.
    version: Option<String>,
    /// What software the server is.
    software: Option<String>,
    breaks: u8,
}

impl Probe {
    /// The stream is up: asks, unless asking would break it again.
    pub(crate) fn online(&mut self, context: &mut Context<'_, '_>) {
        let service = context.shared.common.jid.clone();
        let Some(home) = context.shared.common.local_domains.first() else { return };
        let Ok(home) = Jid::parse(home) else { return };
        let id = context.turn.token();
        let version = Outgoing::iq(IqType::Get, &service, id.as_str());
        let version = version.child(|xml| {
            xml.leaf("query", ns::VERSION);
        });
        context.turn.send(&version, &home);
        context.turn.arm(TIMER, TIMEOUT);
        self.version = Some(id);
        if self.breaks >= BREAKS {
            return;
        }
        let id = context.turn.token();
        let Ok(from) = home.with_resource(&format!("annex-{id}")) else { return };
        let probe = Outgoing::message(MessageType::Headline, &from).id(id.as_str());
        let probe = probe.child(|xml| {
            xml.leaf("probe", NS);
        });
        context.turn.send(&probe, &service);
        self.probe = Some(id);
    }

    /// The stream broke: perhaps because of the probe.
    pub(crate) fn offline(&mut self, service: &Jid) {
        if self.probe.take().is_some() {
            self.breaks += 1;
            if self.breaks >= BREAKS {
                self.verdict = Verdict::Refused;
                // Otherwise the next stream tells which line is the right one.
                if self.software.is_some() {
                    self.say(service);
                }
            }
        }
    }

    /// No answer came in time.
    pub(crate) fn timed_out(&mut self, service: &Jid) {
        let unanswered = self.version.take().is_some() && self.verdict == Verdict::Refused;
        if self.probe.take().is_some() || unanswered {
            self.verdict = Verdict::Refused;
            self.say(service);
        }
    }

    /// The settings changed, perhaps the server's too: the next stream asks again.
    pub(crate) fn reset(&mut self) {
        self.breaks = 0;
    }

    /// Takes our own probe, and nothing else.
    pub(crate) fn take(&mut self, stanza: &Stanza, context: &mut Context<'_, '_>) -> bool {
        let own =
            self.probe.is_some() && self.probe == stanza.id && stanza.payload.has(NS, "probe");
        if own {
            if self.verdict != Verdict::Kept {
                tracing::info!("the server lets senders' addresses stay");
            }
            self.probe = None;
            self.breaks = 0;
            self.verdict = Verdict::Kept;
            context.turn.disarm(TIMER);
        }
        own
    }

    /// Takes the answer about the server's software.
    pub(crate) fn answer(&mut self, stanza: &Stanza, service: &Jid) -> bool {
        if self.version.is_none() || self.version != stanza.id {
            return false;
        }
        self.version = None;
        let query = stanza.payload.find(ns::VERSION, "query");
        let query = query.and_then(|query| stanza.payload.element(query).ok());
        let name = query.and_then(|query| Some(query.get_child("name", ns::VERSION)?.text()));
        self.software = name.or(self.software.take());
        if self.verdict == Verdict::Refused {
            self.say(service);
        }
        true
    }

    fn say(&self, service: &Jid) {
        tracing::warn!(
            "the server does not let this service keep senders' addresses, so it refuses to \
             deliver. {}",
            self.remedy(service)
        );
    }

    /// The one line to add.
    pub(crate) fn remedy(&self, service: &Jid) -> String {
        let prosody = format!("under Component \"{service}\" add: validate_from_addresses = false");
        let ejabberd = format!("to the listener of {service} add: check_from: false");
        let software = self.software.as_deref().unwrap_or_default().to_lowercase();
        let line = match () {
            () if software.contains("prosody") => prosody,
            () if software.contains("ejabberd") => ejabberd,
            () => format!("Prosody: {prosody}; ejabberd: {ejabberd}"),
        };
        format!("{line}; and in this service's own file component.foreign_from = true")
    }
}
