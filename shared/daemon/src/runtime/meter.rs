//! Counters and gauges that machines and the runtime report, looked up once.

use std::collections::HashMap;

use metrics::{Counter, Gauge};

type Label = Option<(&'static str, &'static str)>;

/// Handles by name and label.
#[derive(Default)]
pub(crate) struct Meter {
    domain: String,
    counters: HashMap<(&'static str, Label), Counter>,
    gauges: HashMap<&'static str, Gauge>,
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
}
