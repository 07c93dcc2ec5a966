//! Who got something as a member of a list, for a while: the server may give it back to us for its
//! sender, who would learn from it who is on the list.

use std::{collections::VecDeque, hash::BuildHasher, time::Duration};

use annex_stanza::{Jid, Stanza};
use hashbrown::DefaultHashBuilder;

use crate::deliver::{Draft, Target};

/// So many stanzas, so many members in all, so long.
const SENT: usize = 1_000;
const MEMBERS: usize = 100_000;
const TIME: Duration = Duration::from_secs(300);

#[derive(Debug)]
struct Sent {
    at: Duration,
    from: Jid,
    id: Option<String>,
    /// Hashes of their addresses, in order.
    members: Vec<u64>,
}

/// See the module's text.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    sent: VecDeque<Sent>,
    members: usize,
    hasher: DefaultHashBuilder,
}

impl Listed {
    /// This goes out to these.
    pub(crate) fn note(&mut self, draft: &Draft, targets: &[Target], now: Duration) {
        // Of those to whom presence is told because they had it before, nobody knows any more.
        let listed = targets.iter().filter(|one| one.listed || draft.addresses.is_none());
        let mut members: Vec<u64> = listed.map(|one| self.hasher.hash_one(one.jid.key())).collect();
        if members.is_empty() {
            return;
        }
        members.sort_unstable();
        self.members += members.len();
        self.sent.push_back(Sent {
            at: now,
            from: draft.from.clone(),
            id: draft.id.clone(),
            members,
        });
        while let Some(oldest) = self.sent.front()
            && (self.sent.len() > SENT
                || self.members > MEMBERS
                || now.saturating_sub(oldest.at) > TIME)
        {
            self.members -= oldest.members.len();
            self.sent.pop_front();
        }
    }

    /// The error is of somebody who got what it is about as a member of a list.
    pub(crate) fn is_about_one(&self, error: &Stanza, now: Duration) -> bool {
        let member = self.hasher.hash_one(error.from.key());
        self.sent.iter().any(|sent| {
            sent.from == error.to
                && sent.id == error.id
                && now.saturating_sub(sent.at) <= TIME
                && sent.members.binary_search(&member).is_ok()
        })
    }
}
