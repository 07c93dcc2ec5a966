//! `/metrics`: what the domains and the process are counted by.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::Context;
use crate::{handle::DomainHandle, runtime::Numbers};

pub(super) async fn render(State(context): State<Context>) -> Response {
    for domain in context.process.domains.iter() {
        publish_numbers(domain);
    }
    metrics::gauge!("annex_build_info", "version" => context.process.version, "component" => context.process.program)
        .set(1.0);
    process_numbers();
    context.metrics.run_upkeep();
    let format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (format, context.metrics.render()).into_response()
}

/// A domain's numbers. Its own address is its label; no other address ever is one.
fn publish_numbers(domain: &DomainHandle) {
    let numbers = domain.report.numbers();
    let Numbers {
        turns,
        stanzas_in,
        stanzas_out,
        bytes_in,
        bytes_out,
        inbox,
        outbox,
        backlog,
        commits,
        commit_lag,
        reconnects,
        refused,
        gate,
        calls,
        ..
    } = numbers;
    let name = || domain.jid.clone();
    let gauge = |metric: &'static str, value: u64| {
        // Precision beyond 2^53 bytes is of no use to anybody.
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!(metric, "domain" => name()).set(value as f64);
    };
    let counter = |metric: &'static str, value: u64| {
        metrics::counter!(metric, "domain" => name()).absolute(value);
    };
    gauge("annex_connected", u64::from(domain.report.online()));
    gauge("annex_space_low", u64::from(domain.report.space_low()));
    gauge("annex_inbox_bytes", inbox);
    gauge("annex_outbox_bytes", outbox);
    gauge("annex_backlog_bytes", backlog);
    gauge("annex_commits_bytes", commits);
    gauge("annex_calls", calls);
    let inspect = domain.store.inspect();
    gauge("annex_store_bytes", inspect.file_bytes);
    gauge("annex_store_live_bytes", inspect.live_bytes);
    #[allow(clippy::cast_precision_loss)]
    metrics::gauge!("annex_store_commit_lag_seconds", "domain" => name())
        .set(commit_lag as f64 / 1e6);
    counter("annex_turns_total", turns);
    counter("annex_disconnects_total", reconnects);
    counter("annex_stanzas_dropped_total", refused);
    counter("annex_gate_stopped_total", gate);
    counter("annex_store_flushes_total", inspect.flushes);
    for (direction, stanzas, bytes) in
        [("in", stanzas_in, bytes_in), ("out", stanzas_out, bytes_out)]
    {
        metrics::counter!("annex_stanzas_total", "domain" => name(), "direction" => direction)
            .absolute(stanzas);
        metrics::counter!("annex_bytes_total", "domain" => name(), "direction" => direction)
            .absolute(bytes);
    }
}

/// Memory and processor time of the process.
fn process_numbers() {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return };
    let resident = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u32>().ok());
    if let (Some(pages), Ok(page)) = (resident, u32::try_from(rustix::param::page_size())) {
        metrics::gauge!("process_resident_memory_bytes").set(f64::from(pages) * f64::from(page));
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[allow(clippy::cast_precision_loss)]
    metrics::gauge!("process_cpu_seconds_total")
        .set(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9);
}
