//! What is known of a running process, and how it is told: to the admin socket, to systemd, to the
//! log.

use std::{
    cell::RefCell,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio::{sync::oneshot, time::timeout};

use crate::{
    config::Config,
    handle::{DomainHandle, ProcessHandle},
    program::Program,
    runtime::{Control, Status},
};

/// What everything around the domains knows of them.
pub(crate) struct State {
    pub(crate) program: Program,
    pub(crate) handle: ProcessHandle,
    /// Directories of the stores, in the order of the domains.
    stores: Vec<PathBuf>,
    started: SystemTime,
    config_file: PathBuf,
    /// How the last reload went.
    reloaded: RefCell<Option<(bool, String)>>,
}

/// A machine that has not answered for so long is stuck.
const ANSWER: Duration = Duration::from_secs(10);

impl State {
    /// Of a process that has just started.
    pub(crate) fn new(program: &Program, handle: ProcessHandle, config: &Config) -> Self {
        Self {
            program: program.clone(),
            handle,
            stores: config.domains.iter().map(|domain| domain.store.path.clone()).collect(),
            started: SystemTime::now(),
            config_file: config.loaded.file.clone(),
            reloaded: RefCell::default(),
        }
    }

    /// Whether the last reload went well, and what it said.
    pub(crate) fn reloaded(&self, outcome: (bool, String)) {
        *self.reloaded.borrow_mut() = Some(outcome);
    }

    /// Address of the main domain.
    pub(crate) fn main(&self) -> &str {
        self.handle.domains.first().map_or("", |domain| &domain.jid)
    }

    /// A domain by name, the main one if none is given, and the directory of its store.
    pub(crate) fn domain(&self, name: Option<&str>) -> Result<(&DomainHandle, &PathBuf), String> {
        let mut domains = self.handle.domains.iter().zip(&self.stores);
        let found = match name {
            None => domains.next(),
            Some(name) => domains.find(|(domain, _)| domain.jid == name),
        };
        found.ok_or_else(|| {
            let all: Vec<&str> =
                self.handle.domains.iter().map(|domain| domain.jid.as_str()).collect();
            format!("there is no domain {}; there are {}", name.unwrap_or_default(), all.join(", "))
        })
    }

    /// One line for systemd.
    pub(crate) fn line(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        for domain in self.handle.domains.iter() {
            let link = domain.report.link();
            parts.push(match (link.online, link.error) {
                (true, _) => {
                    format!("{} connected to {}", domain.jid, link.software.unwrap_or(link.server))
                }
                (false, Some(error)) => format!("{} waits: {error}", domain.jid),
                (false, None) => format!("{} connecting to {}", domain.jid, link.server),
            });
        }
        if let Some((false, why)) = &*self.reloaded.borrow() {
            parts.push(format!(
                "configuration not reloaded: {}",
                why.lines().next().unwrap_or_default()
            ));
        }
        let waiting = self.handle.restart.keys();
        if !waiting.is_empty() {
            parts.push(format!("restart to apply {}", waiting.join(", ")));
        }
        parts.join("; ")
    }

    /// Everything that `status` tells.
    pub(crate) async fn status(&self, only: Option<&str>) -> Value {
        let mut domains = Vec::new();
        let mut healthy = true;
        for (domain, path) in self.handle.domains.iter().zip(&self.stores) {
            if only.is_some_and(|name| name != domain.jid) {
                continue;
            }
            let status = asked(domain).await;
            healthy &= status.as_ref().is_some_and(|status| trouble(status).is_none())
                && domain.report.online()
                && !domain.report.space_low();
            let inspect = domain.store.inspect();
            let tables: serde_json::Map<String, Value> = inspect
                .tables
                .iter()
                .map(|table| {
                    (table.name.clone(), json!({ "records": table.records, "bytes": table.bytes }))
                })
                .collect();
            domains.push(json!({
                "jid": domain.jid,
                "answers": status.is_some(),
                "link": domain.report.link(),
                "numbers": domain.report.numbers(),
                "component": status.map_or(Value::Null, |status| status.component),
                "space_low": domain.report.space_low(),
                "store": {
                    "path": path,
                    "live_bytes": inspect.live_bytes,
                    "file_bytes": inspect.file_bytes,
                    "compacting": inspect.compacting,
                    "tables": tables,
                },
            }));
        }
        let reloaded = self.reloaded.borrow();
        let last = reloaded.as_ref().map(|(ok, text)| json!({ "ok": ok, "text": text }));
        let since = self.started.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        json!({
            "healthy": healthy,
            "program": self.program.name,
            "version": self.program.version,
            "pid": std::process::id(),
            "config": self.config_file,
            "started": since,
            "uptime_seconds": self.started.elapsed().map_or(0, |uptime| uptime.as_secs()),
            "restart_needed_for": self.handle.restart.keys(),
            "last_reload": last,
            "domains": domains,
        })
    }
}

/// What keeps the component from working at all.
pub(crate) fn trouble(status: &Status) -> Option<&str> {
    status.component["trouble"].as_str()
}

/// The core's own answer, if it gives one in time.
pub(crate) async fn asked(domain: &DomainHandle) -> Option<Status> {
    let (reply, answer) = oneshot::channel();
    let asked = async {
        domain.control.send(Control::Status { reply }).await.ok()?;
        answer.await.ok()
    };
    timeout(ANSWER, asked).await.ok().flatten()
}
