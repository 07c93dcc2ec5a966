//! What was relayed to the services of other servers is kept for a while: what one of them gives
//! back goes out in single stanzas.

use std::{collections::VecDeque, hash::BuildHasher, sync::Arc, time::Duration};

use annex_service::context::Context;
use annex_stanza::{Jid, Kind, Stanza};
use hashbrown::DefaultHashBuilder;

use crate::{
    address::{Addresses, Use},
    deliver::{Draft, Target},
};

/// What was relayed is kept for a bounce: so many, so many bytes, so long. With no room left nothing
/// is relayed: it would be lost if it came back.
const KEPT: usize = 10_000;
const KEPT_BYTES: usize = 16 * 1024 * 1024;
const KEPT_TIME: Duration = Duration::from_secs(120);

/// What was relayed, for a bounce.
#[derive(Debug)]
pub(crate) struct Relayed {
    service: Jid,
    pub(crate) domain: String,
    /// The id that it left with.
    id: Option<String>,
    at: Duration,
    /// Of the stanza, where no part of it before this one is kept.
    draft_bytes: usize,
    /// Hash of those whom it was bound for.
    bound: u64,
    /// The stanza.
    pub(crate) draft: Arc<Draft>,
    /// Whom the service was to deliver to.
    pub(crate) targets: Vec<Target>,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Returnable {
    relayed: VecDeque<Relayed>,
    bytes: usize,
    hasher: DefaultHashBuilder,
}

impl Returnable {
    /// Keeps one, if there is room. Gives the id that it leaves with: presence has one of ours where
    /// its sender gave none, as what is told again in another order would be wrong. A message stays
    /// as it is.
    pub(crate) fn keep(
        &mut self,
        service: &Jid,
        draft: &Arc<Draft>,
        targets: &[&Target],
        context: &mut Context<'_, '_>,
    ) -> Option<Option<String>> {
        let first = targets.first()?;
        let now = context.turn.since_start();
        while let Some(oldest) =
            self.relayed.front().filter(|one| now.saturating_sub(one.at) > KEPT_TIME)
        {
            self.bytes -= oldest.bytes();
            self.relayed.pop_front();
        }
        // Several services get parts of one stanza.
        let shared = self.relayed.back().is_some_and(|last| Arc::ptr_eq(&last.draft, draft));
        let draft_bytes = if shared { 0 } else { draft.size() };
        let bytes = size_of::<Target>() * targets.len() + draft_bytes;
        if self.relayed.len() == KEPT || self.bytes + bytes > KEPT_BYTES {
            return None;
        }
        let is_presence = matches!(draft.kind, Kind::Presence(_));
        let id = draft.id.clone().or_else(|| is_presence.then(|| context.turn.token()));
        self.bytes += bytes;
        self.relayed.push_back(Relayed {
            service: service.clone(),
            domain: first.jid.domain_key().to_owned(),
            id: id.clone(),
            at: now,
            draft_bytes,
            bound: self.bound(targets.iter().map(|target| &target.jid)),
            draft: Arc::clone(draft),
            targets: targets.iter().map(|one| (*one).clone()).collect(),
        });
        Some(id)
    }

    /// What an error gives back. It is for the sender, or for us; then it must be clear who that is.
    /// Of several that are alike it is about the one whose addresses it has (RFC 6120 §8.3.1), and if
    /// it has none about the newest: those before have arrived, or bounce as well.
    pub(crate) fn take(&mut self, error: &Stanza, service: &Jid) -> Option<Relayed> {
        let to_us = error.to == *service;
        let is_like = |kept: &&Relayed| {
            kept.service == error.from
                && kept.id == error.id
                && kept.draft.kind.name() == error.kind.name()
                && (to_us || kept.draft.from == error.to)
        };
        self.relayed.iter().find(is_like)?;
        let bound = bound(error).map(|bound| self.bound(bound.iter()));
        let same = |kept: &&Relayed| is_like(kept) && bound.is_none_or(|bound| kept.bound == bound);
        let mut found = self.relayed.iter().enumerate().rev().filter(|(_, kept)| same(kept));
        let (at, kept) = found.next()?;
        if found.any(|(_, other)| other.draft.from != kept.draft.from) {
            return None;
        }
        let relayed = self.relayed.remove(at)?;
        self.bytes -= relayed.bytes();
        if relayed.draft_bytes > 0
            && let Some(next) = self.relayed.get_mut(at)
            && Arc::ptr_eq(&next.draft, &relayed.draft)
        {
            next.draft_bytes = relayed.draft_bytes;
            self.bytes += relayed.draft_bytes;
        }
        Some(relayed)
    }

    /// A hash of these, whatever their order.
    fn bound<'a>(&self, jids: impl Iterator<Item = &'a Jid>) -> u64 {
        jids.fold(0, |sum, jid| sum.wrapping_add(self.hasher.hash_one(jid.key())))
    }
}

impl Relayed {
    fn bytes(&self) -> usize {
        size_of::<Target>() * self.targets.len() + self.draft_bytes
    }
}

/// Whom the stanza in an error was bound for; none if there are no addresses in it.
fn bound(error: &Stanza) -> Option<Vec<Jid>> {
    let addresses = Addresses::read(&error.payload).ok()?;
    let entries = addresses.entries.iter();
    let bound = entries.filter(|one| matches!(one.used, Use::Open | Use::Blind) && !one.delivered);
    Some(bound.filter_map(|one| Some(addresses.jid(one.whose?))).collect())
}
