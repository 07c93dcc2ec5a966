//! Conversations as text files.
//!
//! One step a line; a line that begins with white space goes on with the step above it; `#` begins
//! a comment line. Known steps:
//!
//! ```text
//! name alice = alice@example.com/phone      {alice} stands for it from here on
//! -> <message from='{alice}' …/>            comes from the server
//! <- <message to='{alice}' …/>              must come out (a pattern, see annex_testkit::pattern)
//! advance 5m                                time passes: 250ms, 10s, 5m, 3h, 31d
//! ignore                                    what came out and was not expected does not matter
//! hold                                      turns stay in flight from here on
//! release                                   they are committed and sent
//! crash before-commit | crash after-commit  the process dies with what is in flight, and starts
//! restart                                   a clean stop and start
//! disconnect | connect                      the stream breaks, comes up
//! unconfirmed                               what is sent is not confirmed from here on
//! confirm                                   everything sent so far arrived
//! verb rooms list {"json": "arguments"}     a verb of the admin socket
//! <= {"json": "answer"}                     its answer must contain these fields
//! ```
//!
//! Expectations are met in order for each recipient; the order between recipients is free, as
//! fan-outs promise none. Nothing may be left over when the next step that causes something begins,
//! or at the end.

use std::{fmt, path::Path};

use annex_service::{effect::Response, machine::Machine, settings::duration};
use serde_json::Value;

use crate::{
    harness::{Crash, Harness},
    pattern::{Names, matches, parse, substitute},
    wire,
};

/// Where a scenario failed, and why.
#[derive(Debug)]
pub struct Failure {
    line: usize,
    step: String,
    why: String,
    left: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}: {}", self.line, self.step)?;
        writeln!(f, "  {}", self.why)?;
        match self.left.len() {
            0 => write!(f, "  nothing is waiting to be expected"),
            _ => write!(f, "  not yet expected:\n    {}", self.left.join("\n    ")),
        }
    }
}

/// Runs the file at `path` and panics, with the file's name and line, at the first step that fails.
#[track_caller]
pub fn run_file<M: Machine>(path: impl AsRef<Path>, harness: &mut Harness<M>) {
    let path = path.as_ref();
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if let Err(failure) = run(&text, harness) {
        panic!("{}, {failure}", path.display());
    }
}

/// Runs a scenario.
pub fn run<M: Machine>(text: &str, harness: &mut Harness<M>) -> Result<(), Failure> {
    let mut play = Play { harness, names: Names::new(), answer: None };
    for (line, step) in steps(text) {
        let result = play.step(&step);
        play.judge(line, &step, result)?;
    }
    let end = play.nothing_left();
    play.judge(text.lines().count(), "(end)", end)
}

/// Steps with the number of their first line.
fn steps(text: &str) -> Vec<(usize, String)> {
    let mut steps: Vec<(usize, String)> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match steps.last_mut() {
            Some((_, step)) if line.starts_with([' ', '\t']) => {
                step.push_str(line.trim());
            }
            _ => steps.push((number + 1, line.trim_end().to_owned())),
        }
    }
    steps
}

struct Play<'a, M> {
    harness: &'a mut Harness<M>,
    names: Names,
    answer: Option<Response>,
}

impl<M: Machine> Play<'_, M> {
    fn judge(&self, line: usize, step: &str, result: Result<(), String>) -> Result<(), Failure> {
        result.map_err(|why| {
            let left = self.harness.sent().map(|sent| sent.xml.clone()).collect();
            Failure { line, step: step.to_owned(), why, left }
        })
    }

    fn step(&mut self, step: &str) -> Result<(), String> {
        let step = substitute(step, &self.names);
        let (word, rest) = step.split_once(char::is_whitespace).unwrap_or((&step, ""));
        let rest = rest.trim();
        match (word, rest) {
            ("<-", pattern) => return self.expect(pattern),
            ("<=", fields) => return self.expect_answer(fields),
            ("name", definition) => {
                let (name, value) = definition.split_once('=').ok_or("name NAME = VALUE")?;
                self.names.insert(name.trim().into(), value.trim().into());
                return Ok(());
            }
            ("ignore", "") => {
                self.harness.take();
                return Ok(());
            }
            _ => {}
        }
        self.nothing_left()?;
        match (word, rest) {
            ("->", stanza) => {
                let input = wire::try_input(stanza)?;
                self.harness.input(input);
            }
            ("advance", time) => {
                self.harness.advance(duration(time).ok_or_else(|| format!("not a time: {time}"))?);
            }
            ("hold", "") => self.harness.hold(),
            ("release", "") => self.harness.release(),
            ("crash", "before-commit") => self.harness.crash(Crash::BeforeCommit),
            ("crash", "after-commit") => self.harness.crash(Crash::AfterCommit),
            ("restart", "") => self.harness.restart(),
            ("disconnect", "") => self.harness.disconnect(),
            ("connect", "") => self.harness.connect(),
            ("unconfirmed", "") => self.harness.confirm_automatically(false),
            ("confirm", "") => self.harness.confirm(),
            ("verb", verb) => {
                let (verb, arguments) = match verb.find('{') {
                    Some(at) => (verb[..at].trim(), json(&verb[at..])?),
                    None => (verb, Value::Null),
                };
                self.answer = self.harness.verb(verb, arguments);
            }
            _ => return Err("no such step".into()),
        }
        match self.harness.failed() {
            Some(error) => Err(format!("the store failed: {error}")),
            None => Ok(()),
        }
    }

    fn nothing_left(&self) -> Result<(), String> {
        match self.harness.sent().count() {
            0 => Ok(()),
            1 => Err("a stanza was sent that nothing expected".into()),
            n => Err(format!("{n} stanzas were sent that nothing expected")),
        }
    }

    fn expect(&mut self, pattern: &str) -> Result<(), String> {
        let pattern = parse(pattern)?;
        let to = pattern.attr("to").unwrap_or("*").to_owned();
        let anyone = to.contains(['*', '{']);
        let sent = self.harness.sent_mut();
        let Some(at) = sent.iter().position(|sent| anyone || sent.to == to) else {
            return Err(match anyone {
                true => "nothing was sent".into(),
                false => format!("nothing was sent to {to}"),
            });
        };
        let actual = sent[at].element();
        if let Err(difference) = matches(&pattern, &actual, &mut self.names) {
            return Err(format!("{difference}\n  in {}", sent[at].xml));
        }
        sent.remove(at);
        Ok(())
    }

    fn expect_answer(&mut self, fields: &str) -> Result<(), String> {
        let Some(answer) = self.answer.take() else {
            return Err("no answer came".into());
        };
        let found: Value = serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?;
        let expected = json(fields)?;
        for (name, value) in expected.as_object().ok_or("not an object")? {
            if found.get(name) != Some(value) {
                return Err(format!("expected {name}: {value}, found {found}"));
            }
        }
        Ok(())
    }
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))
}
