//! `run`: the program itself.

use rustix::fs::Mode;

use super::Asked;
use crate::{
    config::{Config, mistakes::ConfigError},
    exit::{Exit, Failure},
    logging, out, supervisor,
};

pub(super) fn run(asked: &Asked<'_>) -> Result<Exit, Failure> {
    let program = asked.program;
    let sources = asked.sources();
    let config = match Config::read(program, &sources) {
        Ok(config) => config,
        Err(ConfigError::Missing(file)) => {
            out::error(start_here(asked, &file.display().to_string()));
            return Ok(Exit::Usage);
        }
        Err(error) => return Err(error.into()),
    };
    // What this process creates is nobody else's business.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    logging::start(&config.process.level, config.process.json)
        .map_err(|why| Failure::new(Exit::Failed, why))?;
    tracing::info!(config = %config.loaded.file.display(), "{} {} starting", program.name, program.version);
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    match supervisor::run(program, config, &sources) {
        Ok(()) => {
            tracing::info!("stopped");
            Ok(Exit::Ok)
        }
        Err(failure) => {
            for line in failure.text.lines() {
                tracing::error!("{line}");
            }
            // It is in the log; a second time it would only confuse.
            Ok(failure.exit)
        }
    }
}

fn start_here(asked: &Asked<'_>, file: &str) -> String {
    let name = asked.program.name;
    let config = match &asked.cli.config {
        Some(path) => format!(" --config {}", path.display()),
        None => String::new(),
    };
    format!(
        "{name} {}: {} for your XMPP server, as an external component.\n\
         \n\
         There is no configuration {file}. Start here:\n\
         \n\
         \x20 {name}{config} init rooms.example.com --server prosody    (or: ejabberd)\n\
         \n\
         It writes a configuration and a secret, and prints what to add to the server.\n\
         Then: {name}{config} check --connect\n\
         All commands: {name} --help",
        asked.program.version, asked.program.title,
    )
}
