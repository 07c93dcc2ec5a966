//! Finding out whether the server lets the sender's `from` stay (XEP-0033 §3): a stanza to
//! ourselves with a local user's address. If it comes back, it does. A server that does not closes
//! the stream, or lets nothing come back.
//!
//! Each stream is asked anew, since the server may be another one by then. But a server that ends
//! the stream over the question is not asked again before a pause, which grows. Then the stream that
//! there is may end over it once more, as a server keeps to what it was set to when a stream began,
//! and the next one is asked at once.
//!
//! The server's software is asked beside (XEP-0092), so that the operator gets the one line that is
//! missing.

use std::time::Duration;

use annex_service::{context::Context, effect::Timer, input::Ending};
use annex_stanza::{IqType, Jid, MessageType, Outgoing, Refusal, Stanza, ns};

use crate::{refusals, report::NS};

/// No answer came yet.
pub(crate) const TIMER: Timer = Timer { kind: 32, id: 0 };
/// The pause is over.
pub(crate) const TIMER_AGAIN: Timer = Timer { kind: 36, id: 0 };

/// The server has so long to say what it is.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A probe goes out so often at such intervals, until it comes back: one may get lost where an
/// earlier stream of ours still hangs in the server.
const ASKS: u32 = 4;
const INTERVAL: Duration = Duration::from_millis(2_500);

/// The first pause after a probe that came to nothing, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(3_600));

/// So many streams in a row may break by chance while a probe is under way.
const CHANCE: u32 = 2;

const OFTEN: &str = "the stream breaks whenever the server is asked whether senders' addresses \
                     may stay; perhaps it does not let them";
const NO_USERS: &str = "component.local_domains is empty: there is nobody to send for";
const NOT_ASKED: &str = "component.foreign_from is false: senders' addresses cannot stay";
const NOT: &str = "the server does not let this service keep senders' addresses";

/// Whether a sender's address may stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verdict {
    /// Not known yet on this stream.
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
    /// Id and sender of the newest probe on this stream: its return counts, however late.
    sent: Option<(String, Jid)>,
    /// How often that was sent.
    asks: u32,
    /// It may still come in time.
    is_open: bool,
    /// It was not sent when the stream began.
    is_late: bool,
    /// Id of the question for the server's software.
    version: Option<String>,
    /// What software the server is.
    software: Option<String>,
    /// Why it cannot be, where the server need not be asked.
    hopeless: Option<&'static str>,
    /// Probes in a row that came to nothing.
    failures: u32,
    /// Before this time since the start none is sent.
    not_before: Duration,
    /// The operator was told of the refusal.
    said: bool,
}

impl Probe {
    /// The stream is up: asks, unless asking would break it again.
    pub(crate) fn online(&mut self, privilege: bool, context: &mut Context<'_, '_>) {
        context.turn.disarm(TIMER);
        context.turn.disarm(TIMER_AGAIN);
        (self.sent, self.is_open, self.is_late) = (None, false, false);
        let common = &context.shared.common;
        let (service, home) = (common.jid.clone(), home(context));
        self.hopeless = match (&home, common.foreign_from) {
            (None, _) => Some(NO_USERS),
            (Some(_), false) => Some(NOT_ASKED),
            (Some(_), true) => None,
        };
        if let Some(why) = self.hopeless {
            self.verdict = Verdict::Refused;
            match privilege && home.is_some() {
                true => tracing::info!("{why}; the server's permissions are used"),
                false => tracing::warn!("{why}; nothing is delivered"),
            }
            return;
        }
        let Some(home) = home else { return };
        let id = context.turn.token();
        let version = Outgoing::iq(IqType::Get, &service, id.as_str());
        let version = version.child(|xml| {
            xml.leaf("query", ns::VERSION);
        });
        context.turn.send(&version, &home);
        context.turn.arm(TIMER, TIMEOUT);
        (self.version, self.said) = (Some(id), false);
        match self.not_before.checked_sub(context.turn.since_start()) {
            None | Some(Duration::ZERO) => {
                self.verdict = Verdict::Unknown;
                self.ask(context);
            }
            // Where it is not needed it breaks no stream that works.
            Some(_) if privilege => self.verdict = Verdict::Refused,
            Some(pause) => context.turn.arm(TIMER_AGAIN, pause),
        }
    }

    /// The pause is over.
    pub(crate) fn ask_again(&mut self, context: &mut Context<'_, '_>) {
        self.is_late = true;
        self.ask(context);
    }

    /// Sends a probe.
    fn ask(&mut self, context: &mut Context<'_, '_>) {
        let Some(home) = home(context) else { return };
        let id = context.turn.token();
        let Ok(from) = home.with_resource(&format!("annex-{id}")) else { return };
        (self.sent, self.asks, self.is_open) = (Some((id, from)), 0, true);
        self.send(context);
    }

    /// Sends it, perhaps not for the first time.
    fn send(&mut self, context: &mut Context<'_, '_>) {
        let Some((id, from)) = &self.sent else { return };
        let probe = Outgoing::message(MessageType::Headline, from).id(id.as_str());
        let probe = probe.child(|xml| {
            xml.leaf("probe", NS);
        });
        context.turn.send(&probe, &context.shared.common.jid);
        context.turn.arm(TIMER, INTERVAL);
        self.asks += 1;
    }

    /// The stream ended: perhaps because of the probe.
    pub(crate) fn offline(&mut self, ending: Ending, context: &mut Context<'_, '_>) {
        let asked = self.sent.take().is_some() && self.verdict != Verdict::Kept;
        let open = std::mem::take(&mut self.is_open);
        self.version = None;
        context.turn.disarm(TIMER);
        context.turn.disarm(TIMER_AGAIN);
        match ending {
            Ending::Renewed => self.reset(),
            Ending::InvalidFrom if asked && !self.is_late => {
                self.verdict = Verdict::Refused;
                self.pause(context);
            }
            // It may be chance, and the next stream is asked at once; but not for ever.
            Ending::Broken if open && !self.is_late => {
                if self.failures < CHANCE {
                    self.failures += 1;
                } else {
                    self.pause(context);
                    tracing::warn!("{OFTEN}. {}", self.remedy(&context.shared.common.jid));
                }
            }
            // The probe did not bring this about, or tells of what the server was set to when the
            // stream began: it may be another one afterwards.
            Ending::Broken | Ending::InvalidFrom => self.not_before = Duration::ZERO,
        }
        if self.verdict == Verdict::Kept {
            self.verdict = Verdict::Unknown;
        }
    }

    /// The next probe is not sent before a pause, each twice as long as the last.
    fn pause(&mut self, context: &Context<'_, '_>) -> Duration {
        let (first, last) = PAUSES;
        let pause = first.saturating_mul(1 << self.failures.min(16)).min(last);
        self.failures += 1;
        self.not_before = context.turn.since_start() + pause;
        pause
    }

    /// No answer came in time.
    pub(crate) fn timed_out(&mut self, permitted: bool, context: &mut Context<'_, '_>) {
        if self.is_open && self.asks < ASKS {
            return self.send(context);
        }
        self.refused(permitted, context);
    }

    fn refused(&mut self, permitted: bool, context: &mut Context<'_, '_>) {
        self.version = None;
        if std::mem::take(&mut self.is_open) {
            self.verdict = Verdict::Refused;
            // It broke nothing, so it breaks nothing to ask again on this stream, or on the next.
            let pause = self.pause(context);
            self.not_before = Duration::ZERO;
            context.turn.arm(TIMER_AGAIN, pause);
        }
        self.say(permitted, context);
    }

    /// What the server permits may have changed: the next stream is asked at once.
    pub(crate) fn reset(&mut self) {
        (self.failures, self.not_before) = (0, Duration::ZERO);
    }

    /// What is known, or being asked, holds with the settings of now.
    pub(crate) fn holds(&self, context: &Context<'_, '_>) -> bool {
        let common = &context.shared.common;
        let may = common.foreign_from && !common.local_domains.is_empty();
        may && (self.is_open || self.verdict == Verdict::Kept)
    }

    /// Takes our own probe, and nothing else. It must come from whom it was sent by: a server may let
    /// it pass in another name.
    pub(crate) fn take(
        &mut self,
        stanza: &Stanza,
        permitted: bool,
        context: &mut Context<'_, '_>,
    ) -> bool {
        let Some((id, from)) = &self.sent else { return false };
        let own = stanza.id.as_ref() == Some(id) && stanza.payload.has(NS, "probe");
        if own && stanza.from != *from {
            self.refused(permitted, context);
        } else if own && self.verdict != Verdict::Kept {
            tracing::info!("the server lets senders' addresses stay");
            self.is_open = false;
            self.verdict = Verdict::Kept;
            self.reset();
            context.turn.disarm(TIMER);
            context.turn.disarm(TIMER_AGAIN);
        }
        own
    }

    /// Takes the answer about the server's software.
    pub(crate) fn answer(
        &mut self,
        stanza: &Stanza,
        permitted: bool,
        context: &Context<'_, '_>,
    ) -> bool {
        if self.version.is_none() || self.version != stanza.id {
            return false;
        }
        self.version = None;
        let query = stanza.payload.find(ns::VERSION, "query");
        let query = query.and_then(|query| stanza.payload.element(query).ok());
        let name = query.and_then(|query| Some(query.get_child("name", ns::VERSION)?.text()));
        self.software = name.or(self.software.take());
        self.say(permitted, context);
        true
    }

    /// Tells the operator, once on a stream, and not before it is known what the server is.
    fn say(&mut self, permitted: bool, context: &Context<'_, '_>) {
        if self.verdict != Verdict::Refused || self.version.is_some() || self.said {
            return;
        }
        self.said = true;
        if permitted {
            return tracing::info!("{NOT}; the server's permissions are used");
        }
        let common = &context.shared.common;
        tracing::warn!(
            "{NOT}. {}, and then: {} reconnect",
            self.remedy(&common.jid),
            common.program
        );
    }

    /// The settings are such that the server need not be asked.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.hopeless.is_some()
    }

    /// What keeps senders' addresses from staying.
    pub(crate) fn trouble(&self) -> Option<&'static str> {
        match self.verdict {
            Verdict::Refused => self.hopeless.or(Some(NOT)),
            Verdict::Unknown if self.failures > CHANCE => Some(OFTEN),
            Verdict::Unknown | Verdict::Kept => None,
        }
    }

    /// The same, for a sender.
    pub(crate) fn refusal(&self) -> Refusal {
        match (self.verdict, self.hopeless) {
            (Verdict::Unknown, _) => refusals::not_yet(),
            (_, Some(NO_USERS)) => refusals::no_users(),
            _ => refusals::not_permitted(),
        }
    }

    /// The one line to add.
    fn remedy(&self, service: &Jid) -> String {
        let prosody = format!("under Component \"{service}\" add: validate_from_addresses = false");
        let ejabberd = format!("to the listener of {service} add: check_from: false");
        let software = self.software.as_deref().unwrap_or_default().to_lowercase();
        let line = match () {
            () if software.contains("prosody") => prosody,
            () if software.contains("ejabberd") => ejabberd,
            () => format!("Prosody: {prosody}; ejabberd: {ejabberd}"),
        };
        format!("In its configuration, {line}")
    }
}

/// A domain whose users we serve.
fn home(context: &Context<'_, '_>) -> Option<Jid> {
    Jid::parse(context.shared.common.local_domains.first()?).ok()
}
