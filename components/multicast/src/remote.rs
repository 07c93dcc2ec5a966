//! Which other servers have a multicast service that lets us in (XEP-0033 §2.1, §2.2, §2.3).
//!
//! A server is asked when several of its users are written to at once. Until it has answered they
//! get a stanza each: nothing waits. Its answer is remembered while the stream lasts, a positive one
//! for 24 hours at most.
//!
//! A service that says that it is one may refuse whom it does not know (§9, `forbidden`), and it
//! says so to the address in `from`, which is the user's. So it is tried out before it gets
//! anything: a message of our own to nobody but its server, and a question behind it, whose answer
//! comes after a refusal. One that is in use is tried out again every few minutes.
//!
//! A service that bounces what it was sent counts as none, and what it bounced goes out in single
//! stanzas, once, if we are told.

use std::{collections::BTreeMap, time::Duration};

use annex_service::context::Context;
use annex_stanza::{IqType, Jid, Kind, MessageType, Outgoing, Stanza, ns};

use crate::{
    config::Settings,
    found::{self, Found},
    relayed::{Relayed, Returnable},
};

/// Servers that are remembered at most.
const SERVERS: usize = 10_000;
/// When so many are known, those whose time is over are forgotten so often.
const SWEEP: Duration = Duration::from_secs(1);
/// A service that is in use is tried out so often.
const AGAIN: Duration = Duration::from_secs(600);

#[derive(Debug)]
enum State {
    /// Ids of the questions that are open.
    Asked(Vec<String>),
    Has(Known),
    None,
}

#[derive(Debug)]
struct Known {
    found: Found,
    /// It has been tried out, and is used.
    used: bool,
    /// When it is tried out again; what was asked must be answered by then.
    again: Duration,
    /// Id of the question that is open.
    asked: Option<String>,
    /// Id of the last trial, which may be refused at any time.
    trial: String,
}

#[derive(Debug)]
struct Server {
    state: State,
    until: Duration,
}

/// What was asked whom.
#[derive(Debug)]
struct Question {
    domain: String,
    asked: Jid,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Server,
    Items,
    Item,
    /// The service itself, behind a trial.
    Again,
    /// The trial: no question, and without an answer if all is well.
    Trial,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    servers: BTreeMap<String, Server>,
    questions: BTreeMap<String, Question>,
    /// In case that it bounces.
    pub(crate) relayed: Returnable,
    swept: Duration,
}

impl Remote {
    /// The service for the users of `domain`, if it is known that there is one. Asks if nothing is
    /// known.
    pub(crate) fn find(
        &mut self,
        domain: &str,
        settings: &Settings,
        context: &mut Context<'_, '_>,
    ) -> Option<Found> {
        let now = context.turn.since_start();
        if found::is_echo(domain) {
            return None;
        }
        if let Some(server) = self.servers.get_mut(domain) {
            match &mut server.state {
                State::Has(known) if now < server.until => {
                    let found = known.used.then(|| known.found.clone());
                    if now < known.again {
                        return found;
                    }
                    if known.asked.is_some() {
                        self.settle(domain, State::None, now + settings.remote_retry);
                        return None;
                    }
                    self.try_out(domain, settings, context);
                    return found;
                }
                State::None | State::Asked(_) if now < server.until => return None,
                State::Asked(_) => {
                    // It did not answer in time.
                    self.settle(domain, State::None, now + settings.remote_retry);
                    return None;
                }
                State::Has(_) | State::None => {}
            }
        }
        if self.servers.len() >= SERVERS {
            if now < self.swept + SWEEP {
                return None;
            }
            self.swept = now;
            self.servers.retain(|_, server| now < server.until);
            self.questions.retain(|_, question| self.servers.contains_key(&question.domain));
            if self.servers.len() >= SERVERS {
                return None;
            }
        }
        let to = Jid::parse(domain).ok()?;
        let state = State::Asked(Vec::new());
        let until = now + settings.remote_timeout;
        self.settle(domain, state, until);
        self.ask(domain, to, Step::Server, context);
        None
    }

    fn ask(&mut self, domain: &str, to: Jid, step: Step, context: &mut Context<'_, '_>) {
        let id = context.turn.token();
        let ns = if step == Step::Items { ns::DISCO_ITEMS } else { ns::DISCO_INFO };
        let question = Outgoing::iq(IqType::Get, &context.shared.common.jid, id.as_str());
        let question = question.child(|xml| {
            xml.leaf("query", ns);
        });
        context.turn.send(&question, &to);
        match self.servers.get_mut(domain).map(|server| &mut server.state) {
            Some(State::Asked(open)) => open.push(id.clone()),
            Some(State::Has(known)) => known.asked = Some(id.clone()),
            Some(State::None) | None => {}
        }
        self.questions.insert(id, Question { domain: domain.to_owned(), asked: to, step });
    }

    /// Writes to the server through its service, and asks that once more behind it.
    fn try_out(&mut self, domain: &str, settings: &Settings, context: &mut Context<'_, '_>) {
        let (us, id) = (&context.shared.common.jid, context.turn.token());
        let Some(Server { state: State::Has(known), .. }) = self.servers.get_mut(domain) else {
            return;
        };
        known.again = context.turn.since_start() + settings.remote_timeout;
        let before = std::mem::replace(&mut known.trial, id.clone());
        let service = known.found.service.clone();
        let trial = Outgoing::message(MessageType::Headline, us).id(id.as_str());
        let trial = trial.child(|xml| {
            xml.open("addresses").xmlns(ns::ADDRESS);
            // To an address that is marked as delivered to, ejabberd answers with `forbidden` also
            // where it lets us in.
            xml.open("address").attr("type", "bcc").attr("jid", domain).close().close();
        });
        context.turn.send(&trial, &service);
        self.questions.remove(&before);
        let (about, asked) = (domain.to_owned(), service.clone());
        self.questions.insert(id, Question { domain: about, asked, step: Step::Trial });
        self.ask(domain, service, Step::Again, context);
    }

    /// Ids of the questions that are open about this server.
    fn open(&mut self, domain: &str) -> Option<&mut Vec<String>> {
        match self.servers.get_mut(domain) {
            Some(Server { state: State::Asked(open), .. }) => Some(open),
            _ => None,
        }
    }

    fn settle(&mut self, domain: &str, state: State, until: Duration) {
        let before = self.servers.insert(domain.to_owned(), Server { state, until });
        // What was open is not waited for any more: it was asked before this was known.
        let open = match before.map(|server| server.state) {
            Some(State::Asked(open)) => open,
            Some(State::Has(known)) => known.asked.into_iter().chain([known.trial]).collect(),
            Some(State::None) | None => Vec::new(),
        };
        for id in open {
            self.questions.remove(&id);
        }
    }

    /// Takes the answer to a question.
    pub(crate) fn answer(
        &mut self,
        stanza: &Stanza,
        settings: &Settings,
        context: &mut Context<'_, '_>,
    ) {
        let Some(id) = &stanza.id else { return };
        let is_answered =
            |asked: &Question| asked.step != Step::Trial && asked.asked == stanza.from;
        if !self.questions.get(id).is_some_and(is_answered) {
            return;
        }
        let Some(Question { domain, asked, step }) = self.questions.remove(id) else { return };
        if let Some(open) = self.open(&domain) {
            open.retain(|one| one != id);
        }
        let now = context.turn.since_start();
        let query = match stanza.kind {
            Kind::Iq(IqType::Result) => stanza.payload.children().first(),
            _ => None,
        };
        let query = query.and_then(|query| stanza.payload.element(query).ok());
        if step != Step::Items
            && let Some((messages, presences)) = query.as_ref().and_then(found::advertised)
        {
            // XEP-0033 §2.3
            let until = now + settings.remote_cache;
            let found = Found { service: asked, messages, presences };
            return self.has(&domain, found, step, until, settings, context);
        }
        match step {
            Step::Server => {
                // XEP-0033 §2.2, step 2
                return self.ask(&domain, asked, Step::Items, context);
            }
            Step::Items => {
                let items =
                    query.as_ref().map(|query| found::items(query, &domain)).unwrap_or_default();
                for item in items {
                    self.ask(&domain, item, Step::Item, context);
                }
            }
            Step::Item | Step::Trial => {}
            Step::Again => {
                return self.settle(&domain, State::None, now + settings.remote_retry);
            }
        }
        if self.open(&domain).is_some_and(|open| open.is_empty()) {
            self.settle(&domain, State::None, now + settings.remote_retry);
        }
    }

    /// A service says that it is one: now it is tried out, or has been.
    fn has(
        &mut self,
        domain: &str,
        found: Found,
        step: Step,
        until: Duration,
        settings: &Settings,
        context: &mut Context<'_, '_>,
    ) {
        let now = context.turn.since_start();
        if let (Step::Again, Some(server)) = (step, self.servers.get_mut(domain))
            && let State::Has(known) = &mut server.state
        {
            (known.found, known.used, known.asked) = (found, true, None);
            (known.again, server.until) = (now + AGAIN, until);
            return;
        }
        let known = Known { found, used: false, again: now, asked: None, trial: String::new() };
        self.settle(domain, State::Has(known), until);
        self.try_out(domain, settings, context);
    }

    /// The stream is gone, and answers with it; an operator who reconnects has everyone asked anew.
    pub(crate) fn offline(&mut self) {
        self.questions.clear();
        self.servers.clear();
    }

    /// An error came back: what it bounced, to be sent in single stanzas. Or a trial was refused.
    pub(crate) fn bounced(
        &mut self,
        error: &Stanza,
        settings: &Settings,
        context: &Context<'_, '_>,
    ) -> Option<Relayed> {
        let until = context.turn.since_start() + settings.remote_retry;
        let us = &context.shared.common.jid;
        if let Some(domain) = self.refused(error, us) {
            self.settle(&domain, State::None, until);
            return None;
        }
        let relayed = self.relayed.take(error, us)?;
        self.settle(&relayed.domain, State::None, until);
        Some(relayed)
    }

    /// The server whose service refuses a trial with this error.
    fn refused(&self, error: &Stanza, us: &Jid) -> Option<String> {
        let question = self.questions.get(error.id.as_ref()?)?;
        let is_trial = question.step == Step::Trial && matches!(error.kind, Kind::Message(_));
        let is_it = is_trial && question.asked == error.from && error.to == *us;
        is_it.then(|| question.domain.clone())
    }

    /// Servers that are known, and how many of them have a service.
    pub(crate) fn known(&self) -> (usize, usize) {
        let has = |server: &&Server| matches!(&server.state, State::Has(known) if known.used);
        (self.servers.len(), self.servers.values().filter(has).count())
    }
}
