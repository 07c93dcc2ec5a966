//! Counters, gauges and times that machines and the runtime report, looked up once.

use std::{collections::HashMap, time::Duration};

use annex_service::input::Input;
use metrics::{Counter, Gauge, Histogram};

type Label = Option<(&'static str, &'static str)>;

/// Handles by name and label.
#[derive(Default)]
pub(crate) struct Meter {
    domain: String,
    counters: HashMap<(&'static str, Label), Counter>,
    gauges: HashMap<&'static str, Gauge>,
    handled: HashMap<&'static str, Histogram>,
    commits: Option<Histogram>,
}

impl Meter {
    /// For the metrics of one domain.
    pub(crate) fn new(domain: &str) -> Self {
        Self { domain: domain.into(), ..Self::default() }
    }

    /// Adds to a counter.
    pub(crate) fn count(&mut self, metric: &'static str, label: Label, by: u64) {
        let domain = &self.domain;
        let counter = self.counters.entry((metric, label)).or_insert_with(|| match label {
            Some((name, value)) => {
                metrics::counter!(metric, "domain" => domain.clone(), name => value)
            }
            None => metrics::counter!(metric, "domain" => domain.clone()),
        });
        counter.increment(by);
    }

    /// Sets a gauge.
    pub(crate) fn gauge(&mut self, metric: &'static str, value: f64) {
        let domain = &self.domain;
        let gauge = self
            .gauges
            .entry(metric)
            .or_insert_with(|| metrics::gauge!(metric, "domain" => domain.clone()));
        gauge.set(value);
    }

    /// An input of this kind was handled in so much time.
    pub(crate) fn handled(&mut self, kind: &'static str, time: Duration) {
        let domain = &self.domain;
        let times = self.handled.entry(kind).or_insert_with(|| {
            metrics::histogram!("annex_handle_seconds", "domain" => domain.clone(), "kind" => kind)
        });
        times.record(time);
    }

    /// A commit was on its way to the disk for so long.
    pub(crate) fn committed(&mut self, time: Duration) {
        let domain = &self.domain;
        let times = self.commits.get_or_insert_with(
            || metrics::histogram!("annex_store_commit_seconds", "domain" => domain.clone()),
        );
        times.record(time);
    }
}

/// What an input is called in the metrics.
pub(crate) fn kind(input: &Input) -> &'static str {
    match input {
        Input::Start => "start",
        Input::Stanza(stanza) => stanza.kind.name(),
        Input::Refused { .. } => "refused",
        Input::Timer(_) => "timer",
        Input::Online { .. } => "online",
        Input::Confirmed(_) => "confirmed",
        Input::Offline(_) => "offline",
        Input::Fetched { .. } => "fetched",
        Input::Done { .. } => "done",
        Input::Request { .. } => "request",
        Input::Command { .. } => "command",
        Input::Config { .. } => "config",
        Input::SpaceLow(_) => "space",
        Input::Shutdown { .. } => "shutdown",
    }
}
