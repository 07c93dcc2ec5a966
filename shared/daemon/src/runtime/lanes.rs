//! Output that waits to be written: one queue for each lane, and the lanes in turn.
//!
//! A fan-out waits as its template and a place in its audience, and is never expanded. The writer
//! takes at most 64 KiB of one lane, then goes to the next that waits.

use std::collections::{HashMap, VecDeque};

use annex_service::effect::{Effect, Lane};
use annex_stanza::{Audience, Chunks, Recipient, Template};

use super::confirm::Written;

/// Bytes that one lane may write before the next has its turn.
const SHARE: usize = 64 << 10;

/// What waits, bounded by whoever pushes.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    lanes: HashMap<Lane, VecDeque<Output>>,
    /// Lanes with output, in the order in which they are served.
    ready: VecDeque<Lane>,
    /// Emptied queues, kept for their memory.
    spare: Vec<VecDeque<Output>>,
    held: usize,
    backlog: usize,
}

#[derive(Debug)]
struct Output {
    turn: u64,
    held: usize,
    /// Bytes of one of its stanzas, roughly.
    each: usize,
    work: Work,
}

#[derive(Debug)]
enum Work {
    One { template: Template, to: Recipient },
    Fanout { template: Template, audience: Audience, at: usize },
    Series { templates: Chunks<Template>, to: Recipient, at: usize },
}

/// Bytes of a stanza in a series, where nobody has measured them.
const TYPICAL: usize = 512;

/// Bytes of memory that an output holds while it waits, roughly.
pub(crate) fn held(effect: &Effect) -> usize {
    match effect {
        Effect::Send { template, .. } | Effect::Fanout { template, .. } => 160 + template.len(),
        Effect::Series { templates, .. } => 160 + 64 * templates.len(),
        _ => 0,
    }
}

impl Lanes {
    /// Bytes of memory that waiting output holds.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// Bytes that waiting output will have on the wire, roughly.
    pub(crate) fn backlog(&self) -> usize {
        self.backlog
    }

    /// Nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    /// Takes an output of a turn. False if the effect is none.
    pub(crate) fn push(&mut self, turn: u64, effect: Effect) -> bool {
        let held = held(&effect);
        let (lane, each, count, work) = match effect {
            Effect::Send { lane, template, to } => {
                (lane, template.len(), 1, Work::One { template, to })
            }
            Effect::Fanout { lane, template, audience } => {
                let count = audience.len();
                (lane, template.len(), count, Work::Fanout { template, audience, at: 0 })
            }
            Effect::Series { lane, templates, to } => {
                (lane, TYPICAL, templates.len(), Work::Series { templates, to, at: 0 })
            }
            _ => return false,
        };
        self.held += held;
        self.backlog += each * count;
        let queue = self.lanes.entry(lane).or_insert_with(|| self.spare.pop().unwrap_or_default());
        if queue.is_empty() {
            self.ready.push_back(lane);
        }
        queue.push_back(Output { turn, held, each, work });
        true
    }

    /// Forgets everything: the stream is gone.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Writes into `out` until it holds `limit` bytes (give or take a stanza) or nothing waits.
    /// Returns the number of stanzas written.
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>, limit: usize, written: &mut Written) -> u64 {
        let mut stanzas = 0;
        while out.len() < limit {
            let Some(lane) = self.ready.pop_front() else { break };
            let Some(queue) = self.lanes.get_mut(&lane) else { continue };
            let end = limit.min(out.len() + SHARE);
            while out.len() < end {
                let Some(output) = queue.front_mut() else { break };
                let (count, done) = output.work.write(out, end);
                stanzas += count as u64;
                self.backlog -= output.each * count;
                if done {
                    self.held -= output.held;
                    written.finished(output.turn);
                    queue.pop_front();
                }
            }
            if !queue.is_empty() {
                self.ready.push_back(lane);
            } else if let Some(queue) = self.lanes.remove(&lane)
                && self.spare.len() < 64
            {
                self.spare.push(queue);
            }
        }
        stanzas
    }
}

impl Work {
    /// Writes until `out` holds `end` bytes or nothing is left: how many stanzas, and whether all.
    fn write(&mut self, out: &mut Vec<u8>, end: usize) -> (usize, bool) {
        match self {
            Self::One { template, to } => {
                template.write(to, out);
                (1, true)
            }
            Self::Fanout { template, audience, at } => {
                let write = |run: &[Recipient], out: &mut _| template.write_run(run, out, end);
                (walk(audience, at, out, end, write), *at >= audience.len())
            }
            Self::Series { templates, to, at } => {
                let write = |run: &[Template], out: &mut Vec<u8>| {
                    for (count, template) in run.iter().enumerate() {
                        if out.len() >= end {
                            return count;
                        }
                        template.write(to, out);
                    }
                    run.len()
                };
                (walk(templates, at, out, end, write), *at >= templates.len())
            }
        }
    }
}

/// Writes entries from `at` on, in runs, until `out` holds `end` bytes; returns how many.
fn walk<T>(
    list: &Chunks<T>,
    at: &mut usize,
    out: &mut Vec<u8>,
    end: usize,
    write: impl Fn(&[T], &mut Vec<u8>) -> usize,
) -> usize {
    let start = *at;
    while out.len() < end {
        let run = list.run(*at);
        if run.is_empty() {
            break;
        }
        *at += write(run, out);
    }
    *at - start
}

#[cfg(test)]
mod tests {
    use annex_stanza::{Jid, MessageType, Outgoing};

    use super::*;

    fn jid(text: &str) -> Jid {
        Jid::parse(text).expect("address")
    }

    fn message(from: &str, body: &str) -> Template {
        let from = jid(from);
        let body = format!("<body>{body}</body>");
        Outgoing::message(MessageType::Groupchat, &from).payload(body.as_bytes()).template()
    }

    fn send(lane: u64, body: &str) -> Effect {
        let to = Recipient::from(&jid("a@b"));
        Effect::Send { lane: Lane(lane), template: message("r@x", body), to }
    }

    fn audience(size: usize) -> Audience {
        (0..size).map(|number| Recipient::from(&jid(&format!("u{number}@b/r")))).collect()
    }

    fn drain(lanes: &mut Lanes, written: &mut Written) -> String {
        let mut all = Vec::new();
        while !lanes.is_empty() {
            let mut out = Vec::new();
            lanes.fill(&mut out, SHARE, written);
            all.extend(out);
        }
        String::from_utf8(all).expect("text")
    }

    #[test]
    fn a_lane_keeps_its_order_and_shares_the_writer() {
        let mut lanes = Lanes::default();
        let mut written = Written::default();
        written.released(1, 4);
        lanes.push(
            1,
            Effect::Fanout {
                lane: Lane(1),
                template: message("r@x", "big"),
                audience: audience(5000),
            },
        );
        lanes.push(1, send(1, "second"));
        lanes.push(1, send(2, "other"));
        lanes.push(1, send(2, "last"));
        let mut first = Vec::new();
        lanes.fill(&mut first, 2 * SHARE, &mut written);
        let first = String::from_utf8(first).expect("text");
        let (big, other) = (first.find("big"), first.find("other"));
        assert!(big < other && other < first.find("last"), "the other lane waits for one share");
        assert!(!first.contains("second"));
        assert_eq!(written.mark(), 0);
        let rest = drain(&mut lanes, &mut written);
        assert!(rest.ends_with("<body>second</body></message>"));
        assert_eq!(first.matches("big").count() + rest.matches("big").count(), 5000);
        assert_eq!((lanes.held(), lanes.backlog(), written.mark()), (0, 0, 1));
    }

    #[test]
    fn a_series_goes_out_in_its_order() {
        let mut lanes = Lanes::default();
        let mut written = Written::default();
        written.released(7, 1);
        let templates: Chunks<_> = (0..300).map(|n| message("r@x", &format!("n{n}."))).collect();
        lanes
            .push(7, Effect::Series { lane: Lane(1), templates, to: Recipient::from(&jid("a@b")) });
        let text = drain(&mut lanes, &mut written);
        let places: Vec<_> = (0..300).map(|n| text.find(&format!("n{n}."))).collect();
        assert!(places.is_sorted() && places[0].is_some());
        assert_eq!((lanes.held(), lanes.backlog(), written.mark()), (0, 0, 7));
    }
}
