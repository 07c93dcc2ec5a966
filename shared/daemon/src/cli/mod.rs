//! The command line: what it looks like ([`arguments`]), and what each word does.

pub(crate) mod arguments;
mod audit;
mod client;
mod data;
mod run;
pub(crate) mod status;
mod verbs;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::FromArgMatches;

use self::arguments::{Cli, Command, ConfigCommand, Person};
use crate::{
    check,
    config::{
        example::{self, Filled},
        load::{self, Loaded},
        show,
        sources::Sources,
    },
    exit::{Exit, Failure},
    init::{self, Wanted},
    man, out,
    program::Program,
};

/// Reads the command line and does what it says.
pub(crate) fn main(program: &Program) -> ExitCode {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !annex_store::catches_panic() {
            usual(panic);
        }
    }));
    let matches = match arguments::command(program).try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are what was asked for.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Ok };
            let _ = error.print();
            return exit.into();
        }
    };
    let outcome = match verbs::asked(program, &matches) {
        Some(verb) => Cli::from_arg_matches(&verb.matches)
            .map_err(|error| Failure::new(Exit::Usage, error.to_string()))
            .and_then(|cli| verbs::run(program, cli, &verb)),
        None => match Cli::from_arg_matches(&matches) {
            Ok(cli) => act(&Asked { program, cli: &cli }),
            Err(error) => Err(Failure::new(Exit::Usage, error.to_string())),
        },
    };
    match outcome {
        Ok(Exit::Ok) if out::is_incomplete() => Exit::Failed.into(),
        Ok(exit) => exit.into(),
        Err(failure) => {
            for line in failure.text.lines() {
                out::error(format!("{}: {line}", program.name));
            }
            failure.exit.into()
        }
    }
}

/// What was asked of which program.
pub(crate) struct Asked<'a> {
    pub(crate) program: &'a Program,
    pub(crate) cli: &'a Cli,
}

impl Asked<'_> {
    /// The configuration's path: `--config`, `ANNEX_CONFIG`, or the program's own in /etc/annex.
    pub(crate) fn config_file(&self) -> PathBuf {
        let default = || Path::new("/etc/annex").join(self.program.section).with_extension("toml");
        self.cli.config.clone().unwrap_or_else(default)
    }

    pub(crate) fn sources(&self) -> Sources {
        let mut overrides = Vec::new();
        let level = match (self.cli.verbose, self.cli.quiet) {
            (0, false) => None,
            (0, true) => Some("warn"),
            (1, _) => Some("debug"),
            _ => Some("trace"),
        };
        overrides.extend(level.map(|level| ("log.level", level.to_owned())));
        overrides
            .extend(self.cli.log_format.map(|format| ("log.format", format.as_str().to_owned())));
        Sources::of_process(&self.config_file(), overrides)
    }

    /// What concerns one domain names it where there are several: the first is nobody's choice.
    pub(crate) fn one_domain(&self) -> Result<(), Failure> {
        let loaded = self.loaded()?;
        if self.cli.domain.is_some() || loaded.domains.is_empty() {
            return Ok(());
        }
        let main = loaded.main.text("component.jid").into_iter();
        let all: Vec<_> = main
            .chain(loaded.domains.keys().map(String::as_str))
            .map(|domain| format!("--domain {domain}"))
            .collect();
        Err(Failure::new(Exit::Usage, format!("several domains: say {}", all.join(" or "))))
    }

    /// The configuration without its secrets, which not everybody who may ask can read.
    pub(crate) fn loaded(&self) -> Result<Loaded, Failure> {
        Ok(load::load(self.program, &self.sources())?)
    }
}

fn act(asked: &Asked<'_>) -> Result<Exit, Failure> {
    let program = asked.program;
    let default = Command::Run;
    let command = asked.cli.command.as_ref().unwrap_or(&default);
    if command.is_about_a_domain() {
        asked.one_domain()?;
    }
    match command {
        Command::Run => run::run(asked),
        Command::Check { connect, backup, strict } => {
            check::check(asked, *connect, backup.as_deref(), *strict)
        }
        Command::Init { domain, server, admins, directory, port } => {
            let directory = directory.as_deref();
            init::init(asked, &Wanted { domain, server: *server, admins, directory, port: *port })
        }
        Command::Status { watch } => status::status(asked, *watch),
        Command::Probe => status::probe(asked),
        Command::Stop { last } => client::stop(asked, *last),
        Command::Reload => client::simple(asked, "reload"),
        Command::Reconnect => client::simple(asked, "reconnect"),
        Command::LogLevel { level } => client::log_level(asked, level),
        Command::Backup { file } => data::backup(asked, file),
        Command::Restore { file, force } => data::restore(asked, file, *force),
        Command::Export { file } => data::export(asked, file.as_deref()),
        Command::Import { file, force } => data::import(asked, file, *force),
        Command::Person(Person::Show { jid }) => client::person_show(asked, jid),
        Command::Person(Person::Forget { jid, messages }) => {
            client::person_forget(asked, jid, *messages)
        }
        Command::Audit { limit, before } => audit::audit(asked, *limit, before.as_deref()),
        Command::Config(ConfigCommand::Example) => {
            out::line(example::example(program, &Filled::default()));
            Ok(Exit::Ok)
        }
        Command::Config(ConfigCommand::Show { origin }) => {
            let loaded = asked.loaded()?;
            if asked.cli.json {
                out::line(pretty(&show::json(program, &loaded)));
            } else {
                out::line(show::text(program, &loaded, *origin));
            }
            Ok(Exit::Ok)
        }
        Command::Completions { shell } => {
            out::line(arguments::completions(program, *shell));
            Ok(Exit::Ok)
        }
        Command::Man { page } => man::print(program, *page),
    }
}

/// JSON for a terminal.
pub(crate) fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string())
}
