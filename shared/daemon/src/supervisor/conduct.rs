//! What signals, the admin socket and admins' commands make of a running process.

use std::rc::Rc;

use tokio::{sync::mpsc, task::JoinSet};

use super::judged;
use crate::{
    config::{
        Config,
        reload::{self, Changes, same_link},
        sources::Sources,
    },
    exit::{Exit, Failure},
    logging, notify,
    program::Program,
    runtime::{Control, ProcessOrder, RunError},
    signals::{Signal, Signals},
    state::State,
};

/// Why a process that runs is to run no longer.
pub(super) enum Next {
    Stop { last: bool },
}

/// A process at work, between its start and its end.
pub(super) struct Running<'a> {
    pub(super) program: &'a Program,
    pub(super) sources: &'a Sources,
    pub(super) config: Config,
    pub(super) state: Rc<State>,
}

impl Running<'_> {
    /// Does what signals and orders say, until one of them says stop or a domain ends by itself.
    pub(super) async fn conduct(
        &mut self,
        signals: &mut Signals,
        orders: &mut mpsc::Receiver<ProcessOrder>,
        running: &mut JoinSet<Result<(), RunError>>,
    ) -> Result<Next, Failure> {
        loop {
            tokio::select! {
                signal = signals.next() => match signal {
                    Signal::Stop => return Ok(Next::Stop { last: false }),
                    Signal::Reload => drop(self.reload().await),
                    Signal::Status => {
                        let status = self.state.status(None).await;
                        tracing::info!(%status, "status");
                    }
                },
                Some(order) = orders.recv() => match order {
                    ProcessOrder::Reload { reply } => {
                        // Whoever asked may have gone.
                        let _ = reply.send(self.reload().await);
                    }
                    ProcessOrder::Stop { last } => return Ok(Next::Stop { last }),
                },
                Some(ended) = running.join_next() => {
                    judged(ended)?;
                    return Err(Failure::new(Exit::Failed, "a domain ended without being told to"));
                }
            }
        }
    }

    /// Reads the configuration again, judges it whole, and applies what can be.
    async fn reload(&mut self) -> Result<String, String> {
        notify::reloading();
        let outcome = self.try_reload().await;
        match &outcome {
            Ok(sentence) => tracing::info!("configuration reloaded; {sentence}"),
            Err(why) => {
                for fault in why.lines() {
                    tracing::error!("configuration not reloaded: {fault}");
                }
            }
        }
        let told = match &outcome {
            Ok(sentence) => (true, sentence.clone()),
            Err(why) => (false, why.clone()),
        };
        self.state.reloaded(told);
        notify::ready();
        notify::status(&self.state.line());
        outcome
    }

    async fn try_reload(&mut self) -> Result<String, String> {
        let new = Config::read(self.program, self.sources).map_err(|error| error.to_string())?;
        for warning in &new.warnings {
            tracing::warn!("{warning}");
        }
        let (effective, changes) =
            reload::merge(self.program, &self.config, &new).map_err(|error| error.to_string())?;
        self.apply(&effective, &changes).await;
        self.config = effective;
        self.state.handle.restart.set(changes.restart.clone());
        Ok(changes.sentence())
    }

    async fn apply(&mut self, effective: &Config, changes: &Changes) {
        // The level may have been changed over the socket: a reload makes it what the file says.
        if let Err(why) = logging::set_level(&effective.process.level) {
            tracing::warn!("log.level: {why}");
        }
        if changes.live.is_empty() && changes.reconnect.is_empty() {
            return;
        }
        let old = self.config.domains.iter().zip(&effective.domains);
        for ((old, new), served) in old.zip(self.state.handle.domains.iter()) {
            // The reader of a stream keeps the bounds with which it began.
            let same = same_link(&old.link, &new.link) && old.limits.inbound == new.limits.inbound;
            let link = (!same).then(|| Box::new(new.link.clone()));
            let limits = (old.limits != new.limits).then_some(new.limits);
            if old.common == new.common
                && old.section == new.section
                && link.is_none()
                && limits.is_none()
            {
                continue;
            }
            let control = Control::Config {
                common: Box::new(new.common.clone()),
                section: new.section.clone(),
                link,
                limits,
            };
            let _ = served.control.send(control).await;
        }
    }
}
