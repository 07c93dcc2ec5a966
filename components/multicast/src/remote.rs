//! Which other servers have a multicast service (XEP-0033 §2.1, §2.2, §2.3), and what became of what
//! was sent to them.
//!
//! A server is asked when several of its users are written to at once. Until it has answered they
//! get a stanza each: nothing waits. Its answer is remembered while the stream lasts, a positive one
//! for 24 hours at most.
//!
//! A service that bounces what it was sent counts as none, and what it bounced goes out in single
//! stanzas, once. Mostly we are not told, as a server sends bounces to the address in `from`, which
//! is the user's: so a service that is in use is asked again every few minutes.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use annex_service::context::Context;
use annex_stanza::{IqType, Jid, Kind, Outgoing, Stanza, ns};
use minidom::Element;

use crate::{
    config::Settings,
    deliver::{Draft, Target},
};

/// Servers that are remembered at most.
const SERVERS: usize = 10_000;
/// When so many are known, those whose time is over are forgotten so often.
const SWEEP: Duration = Duration::from_secs(1);
/// A service that is in use is asked so often whether it is still there.
const AGAIN: Duration = Duration::from_secs(600);
/// Items of a server that are asked at most.
const ITEMS: usize = 16;
/// What a service takes that does not say (XEP-0033 §9: more than 20).
const TAKES: usize = 20;
/// What was relayed is kept for a bounce: so many, so many bytes, so long.
const KEPT: usize = 128;
const KEPT_BYTES: usize = 4 * 1024 * 1024;
const KEPT_TIME: Duration = Duration::from_secs(120);

/// A service of another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Its address.
    pub(crate) service: Jid,
    /// Addresses that a message may have.
    messages: usize,
    /// Addresses that presence may have.
    presences: usize,
}

impl Found {
    /// Addresses that a stanza of this kind may have.
    pub(crate) fn takes(&self, kind: Kind) -> usize {
        let takes = if matches!(kind, Kind::Message(_)) { self.messages } else { self.presences };
        takes.max(1)
    }
}

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
    /// When it is asked again; what was asked must be answered by then.
    again: Duration,
    /// Id of the question that is open.
    asked: Option<String>,
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
    /// The service itself, once more.
    Again,
}

/// What was relayed, for a bounce.
#[derive(Debug)]
pub(crate) struct Relayed {
    service: Jid,
    domain: String,
    /// The id that it left with.
    id: Option<String>,
    at: Duration,
    bytes: usize,
    /// The stanza.
    pub(crate) draft: Arc<Draft>,
    /// Whom the service was to deliver to.
    pub(crate) targets: Vec<Target>,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Remote {
    servers: BTreeMap<String, Server>,
    questions: BTreeMap<String, Question>,
    relayed: VecDeque<Relayed>,
    bytes: usize,
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
        if is_echo(domain) {
            return None;
        }
        if let Some(server) = self.servers.get_mut(domain) {
            match &mut server.state {
                State::Has(known) if now < server.until => {
                    let found = known.found.clone();
                    if now < known.again {
                        return Some(found);
                    }
                    if known.asked.is_some() {
                        self.settle(domain, State::None, now + settings.remote_retry);
                        return None;
                    }
                    known.again = now + settings.remote_timeout;
                    self.ask(domain, found.service.clone(), Step::Again, context);
                    return Some(found);
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
            Some(State::Has(known)) => known.asked.into_iter().collect(),
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
        if self.questions.get(id).is_none_or(|question| question.asked != stanza.from) {
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
            && let Some((messages, presences)) = query.as_ref().and_then(advertised)
        {
            // XEP-0033 §2.3
            let until = now + settings.remote_cache;
            let found = Found { service: asked, messages, presences };
            let known = Known { found, again: now + AGAIN, asked: None };
            return self.settle(&domain, State::Has(known), until);
        }
        match step {
            Step::Server => {
                // XEP-0033 §2.2, step 2
                return self.ask(&domain, asked, Step::Items, context);
            }
            Step::Items => {
                let items = query.as_ref().map(|query| items(query, &domain)).unwrap_or_default();
                for item in items {
                    self.ask(&domain, item, Step::Item, context);
                }
            }
            Step::Item => {}
            Step::Again => {
                return self.settle(&domain, State::None, now + settings.remote_retry);
            }
        }
        if self.open(&domain).is_some_and(|open| open.is_empty()) {
            self.settle(&domain, State::None, now + settings.remote_retry);
        }
    }

    /// The stream is gone, and answers with it; an operator who reconnects has everyone asked anew.
    pub(crate) fn offline(&mut self) {
        self.questions.clear();
        self.servers.clear();
    }

    /// Keeps what is relayed, in case that it bounces. Gives the id that it leaves with: presence has
    /// one of ours where its sender gave none, as what is told again in another order would be wrong.
    /// A message stays as it is.
    pub(crate) fn keep(
        &mut self,
        service: &Jid,
        draft: &Arc<Draft>,
        targets: &[&Target],
        context: &mut Context<'_, '_>,
    ) -> Option<String> {
        let first = targets.first()?;
        let now = context.turn.since_start();
        let is_presence = matches!(draft.kind, Kind::Presence(_));
        let id = draft.id.clone().or_else(|| is_presence.then(|| context.turn.token()));
        // Several services get parts of one stanza.
        let shared = self.relayed.back().is_some_and(|last| Arc::ptr_eq(&last.draft, draft));
        let bytes = size_of::<Target>() * targets.len() + if shared { 0 } else { draft.size() };
        self.relayed.push_back(Relayed {
            service: service.clone(),
            domain: first.jid.domain_key().to_owned(),
            id: id.clone(),
            at: now,
            bytes,
            draft: Arc::clone(draft),
            targets: targets.iter().map(|one| (*one).clone()).collect(),
        });
        self.bytes += bytes;
        while let Some(oldest) = self.relayed.front()
            && (self.relayed.len() > KEPT
                || self.bytes > KEPT_BYTES
                || now.saturating_sub(oldest.at) > KEPT_TIME)
        {
            self.bytes -= oldest.bytes;
            self.relayed.pop_front();
        }
        id
    }

    /// An error came back: what it bounced, to be sent in single stanzas. It is for the sender, or for
    /// us; then it must be clear who that is. Of several that are alike it is about the newest: those
    /// before have arrived, or bounce as well.
    pub(crate) fn bounced(
        &mut self,
        error: &Stanza,
        settings: &Settings,
        context: &Context<'_, '_>,
    ) -> Option<Relayed> {
        let to_us = error.to == context.shared.common.jid;
        let same = |kept: &&Relayed| {
            kept.service == error.from
                && kept.id == error.id
                && kept.draft.kind.name() == error.kind.name()
                && (to_us || kept.draft.from == error.to)
        };
        let sender = &self.relayed.iter().rfind(same)?.draft.from;
        if self.relayed.iter().filter(same).any(|kept| kept.draft.from != *sender) {
            return None;
        }
        let at = self.relayed.iter().rposition(|kept| same(&kept))?;
        let relayed = self.relayed.remove(at)?;
        self.bytes -= relayed.bytes;
        let until = context.turn.since_start() + settings.remote_retry;
        self.settle(&relayed.domain, State::None, until);
        Some(relayed)
    }

    /// Servers that are known, and how many of them have a service.
    pub(crate) fn known(&self) -> (usize, usize) {
        let has = |server: &&Server| matches!(server.state, State::Has(_));
        (self.servers.len(), self.servers.values().filter(has).count())
    }
}

/// The limits that a service advertises, if it is one.
fn advertised(query: &Element) -> Option<(usize, usize)> {
    if !query.is("query", ns::DISCO_INFO) {
        return None;
    }
    let feature = |child: &Element| {
        child.is("feature", ns::DISCO_INFO) && child.attr("var") == Some(ns::ADDRESS)
    };
    if !query.children().any(feature) {
        return None;
    }
    let form = query
        .children()
        .filter_map(|child| annex_stanza::Form::parse(child).ok())
        .find(|form| form.form_type.as_deref() == Some(ns::ADDRESS));
    let limit = |var: &str| {
        let field = form.as_ref().and_then(|form| form.find(var));
        field.and_then(|field| field.text().trim().parse().ok()).unwrap_or(TAKES)
    };
    Some((limit("message"), limit("presence")))
}

/// A service that gives back what it is sent has nothing else to say.
fn is_echo(domain: &str) -> bool {
    domain.starts_with("echo.")
}

/// The services of a server that may be asked: hosts below its own name. Blind addressees are told
/// to nobody else (XEP-0033 §4.6.3).
fn items(query: &Element, domain: &str) -> Vec<Jid> {
    let below = |jid: &Jid| {
        jid.is_domain()
            && !is_echo(jid.domain_key())
            && jid.domain_key().strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
    };
    query
        .children()
        .filter(|child| child.is("item", ns::DISCO_ITEMS) && child.attr("node").is_none())
        .filter_map(|item| Jid::parse(item.attr("jid")?).ok())
        .filter(below)
        .take(ITEMS)
        .collect()
}
