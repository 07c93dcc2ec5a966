//! `check`: what is wrong, line by line, and the one thing to do about it.

mod certificate;
mod offline;
mod online;
mod reach;

use std::path::Path;

use serde_json::json;

use crate::{
    cli::{Asked, pretty},
    config::Config,
    exit::{Exit, Failure},
    out,
};

/// How a line turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    /// With the exit code it leads to.
    Fail(Exit),
}

/// Everything that was found, told as it is found.
pub(crate) struct Findings {
    lines: Vec<(Verdict, String)>,
    json: bool,
}

impl Findings {
    fn add(&mut self, verdict: Verdict, text: String) {
        let word = match verdict {
            Verdict::Ok => "ok  ",
            Verdict::Warn => "warn",
            Verdict::Fail(_) => "fail",
        };
        if !self.json {
            out::line(format!("{word}  {}", out::plain(&text)));
        }
        self.lines.push((verdict, text));
    }

    pub(crate) fn ok(&mut self, text: impl Into<String>) {
        self.add(Verdict::Ok, text.into());
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.add(Verdict::Warn, text.into());
    }

    pub(crate) fn fail(&mut self, exit: Exit, text: impl Into<String>) {
        self.add(Verdict::Fail(exit), text.into());
    }

    /// The first failure decides; warnings only where they are to.
    fn exit(&self, strict: bool) -> Exit {
        let failed = self.lines.iter().find_map(|(verdict, _)| match verdict {
            Verdict::Fail(exit) => Some(*exit),
            _ => None,
        });
        let warned = strict && self.lines.iter().any(|(verdict, _)| *verdict == Verdict::Warn);
        failed.unwrap_or(if warned { Exit::Usage } else { Exit::Ok })
    }
}

pub(crate) fn check(
    asked: &Asked<'_>,
    connect: bool,
    backup: Option<&Path>,
    strict: bool,
) -> Result<Exit, Failure> {
    let mut findings = Findings { lines: Vec::new(), json: asked.cli.json };
    look(asked, connect, backup, &mut findings)?;
    let exit = findings.exit(strict);
    if asked.cli.json {
        let lines: Vec<_> = findings
            .lines
            .iter()
            .map(|(verdict, text)| {
                let verdict = match verdict {
                    Verdict::Ok => "ok",
                    Verdict::Warn => "warn",
                    Verdict::Fail(_) => "fail",
                };
                json!({ "verdict": verdict, "text": text })
            })
            .collect();
        out::line(pretty(&json!({ "ok": exit == Exit::Ok, "findings": lines })));
    }
    Ok(exit)
}

fn look(
    asked: &Asked<'_>,
    connect: bool,
    backup: Option<&Path>,
    findings: &mut Findings,
) -> Result<(), Failure> {
    if let Some(file) = backup {
        offline::backup(asked.program, file, findings);
    }
    let sources = asked.sources();
    let config = match Config::read(asked.program, &sources) {
        Ok(config) => config,
        Err(error) => {
            for fault in error.to_string().lines() {
                findings.fail(Exit::Usage, fault);
            }
            return Ok(());
        }
    };
    let running = offline::look(asked, &config, findings)?;
    if connect {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
        runtime.block_on(online::look(asked.program, &config, running.as_ref(), findings));
        runtime.shutdown_background();
    }
    Ok(())
}
