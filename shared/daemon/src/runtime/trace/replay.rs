//! Feeds a trace to a machine again.

use std::{cell::RefCell, collections::VecDeque, io::BufRead, time::Duration};

use annex_service::{
    input::Common,
    machine::Machine,
    store::{Page, Read, Scan, StoreError, Table},
    turn::{Marks, Now, Turn, TurnState},
};
use annex_stanza::Timestamp;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::{FORMAT, encode, render};

/// Why a trace cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the trace cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A line makes no sense.
    #[error("line {0} of the trace makes no sense")]
    Line(usize),
    /// It was written in another format.
    #[error("the trace has format {0}, and this program knows {FORMAT}")]
    Format(u64),
}

/// What a replay found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Inputs that were handled again.
    pub inputs: u64,
    /// Where the outcome differs; empty if the replay is faithful.
    pub differences: Vec<Difference>,
}

/// One input whose outcome differs.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// Line of the trace.
    pub line: usize,
    /// What the trace says.
    pub traced: String,
    /// What came out now.
    pub replayed: String,
}

/// Reads as the trace has them.
#[derive(Default)]
struct Reads {
    expected: RefCell<VecDeque<Value>>,
    strayed: RefCell<Vec<String>>,
}

impl Reads {
    fn next(&self, kind: &str, query: &Value) -> Option<Value> {
        let line = self.expected.borrow_mut().pop_front();
        match line {
            Some(line) if line[kind] == *query => Some(line),
            other => {
                self.strayed
                    .borrow_mut()
                    .push(format!("read {kind} {query} where the trace has {other:?}"));
                None
            }
        }
    }
}

impl Read for Reads {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let line = self.next("get", &encode::get(table, key));
        Ok(line.and_then(|line| encode::bytes(&line["found"])))
    }

    fn scan(&self, scan: &Scan) -> Result<Page, StoreError> {
        let line = self.next("scan", &encode::scan(scan));
        let page = line.and_then(|line| encode::read_page(&line["page"]));
        Ok(page.unwrap_or(Page { rows: Vec::new(), complete: true }))
    }
}

/// Replays a whole trace on a machine that is made as the traced one was, with secrets that go by
/// their pseudonyms.
pub fn replay<M: Machine>(
    trace: impl BufRead,
    make: impl FnOnce(Common, &Value) -> M,
) -> Result<Replayed, ReplayError> {
    let mut lines = VecDeque::new();
    for (number, line) in trace.lines().enumerate() {
        let value = serde_json::from_str(&line?).map_err(|_| ReplayError::Line(number + 1))?;
        lines.push_back((number + 1, value));
    }
    let (_, head): (usize, Value) = lines.pop_front().ok_or(ReplayError::Line(1))?;
    let mut state = open(&head).ok_or_else(|| match head["trace"].as_u64() {
        Some(format) if format != u64::from(FORMAT) => ReplayError::Format(format),
        _ => ReplayError::Line(1),
    })?;
    let common = Common::deserialize(&head["common"]).map_err(|_| ReplayError::Line(1))?;
    let machine = &mut make(common, &head["section"]);
    let mut replayed = Replayed::default();
    let reads = Reads::default();
    while let Some((number, line)) = lines.pop_front() {
        if let Some(turn) = line["committed"].as_u64() {
            state.committed(turn);
        } else if line["begin"].as_bool() == Some(true) {
            one_turn(&mut lines, &mut state, &reads, machine, &mut replayed)?;
        } else {
            return Err(ReplayError::Line(number));
        }
    }
    Ok(replayed)
}

fn open(head: &Value) -> Option<TurnState> {
    if head["trace"].as_u64() != Some(u64::from(FORMAT)) {
        return None;
    }
    let marks = Marks { turn: head["turn"].as_u64()?, stamp: head["stamp"].as_u64()? };
    let seed = hex::decode(head["seed"].as_str()?).ok()?.try_into().ok()?;
    Some(TurnState::new(marks, seed))
}

fn one_turn<M: Machine>(
    lines: &mut VecDeque<(usize, Value)>,
    state: &mut TurnState,
    reads: &Reads,
    machine: &mut M,
    replayed: &mut Replayed,
) -> Result<(), ReplayError> {
    let mut turn: Option<Turn<'_>> = None;
    let mut state = Some(state);
    while let Some((number, line)) = lines.pop_front() {
        if line["end"].is_u64() {
            break;
        }
        let wrong = || ReplayError::Line(number);
        let input = encode::read_input(&line["in"]).ok_or_else(wrong)?;
        let now = Now {
            wall: Timestamp(line["wall"].as_i64().ok_or_else(wrong)?),
            since_start: Duration::from_nanos(line["since"].as_u64().ok_or_else(wrong)?),
        };
        let mut outcome = None;
        while let Some((_, line)) = lines.pop_front() {
            if !line["out"].is_null() {
                outcome = Some(line);
                break;
            }
            reads.expected.borrow_mut().push_back(line);
        }
        // The process ended in the middle of this input.
        let Some(outcome) = outcome else { break };
        let turn = match (&mut turn, state.take()) {
            (Some(turn), _) => turn,
            (none, Some(state)) => none.insert(state.begin(reads, now)),
            (None, None) => return Err(wrong()),
        };
        let emitted = turn.emitted().len();
        turn.advance(now);
        machine.handle(input, turn);
        replayed.inputs += 1;
        let found = render::effects(&turn.emitted()[emitted..], None);
        let strayed = std::mem::take(&mut *reads.strayed.borrow_mut());
        reads.expected.borrow_mut().clear();
        if found != outcome["out"] || !strayed.is_empty() {
            replayed.differences.push(Difference {
                line: number,
                traced: outcome["out"].to_string(),
                replayed: format!("{found} {}", strayed.join("; ")),
            });
        }
    }
    if let Some(turn) = turn {
        turn.finish();
    }
    Ok(())
}
