//! `/metrics`: what the domains and the process are counted by.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use futures_util::future::join_all;
use serde_json::Value;

use super::Context;
use crate::{handle::DomainHandle, runtime::Numbers, state::asked};

pub(super) async fn render(State(context): State<Context>) -> Response {
    let domains = context.process.domains.iter();
    let answers = join_all(domains.map(async |domain| (domain, asked(domain).await))).await;
    for (domain, status) in answers {
        publish_numbers(domain);
        if let Some(status) = status {
            let name = context.process.program.replace('-', "_");
            for (metric, value) in component_numbers(name, &status.component) {
                metrics::gauge!(metric, "domain" => domain.jid.clone()).set(value);
            }
        }
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

/// The component's own numbers, as `status` shows them: `annex_muc_occupants`.
fn component_numbers(name: String, status: &Value) -> Vec<(String, f64)> {
    match status {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| {
                let key = key.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
                component_numbers(format!("{name}_{key}"), value)
            })
            .collect(),
        value => value.as_f64().map(|value| (name, value)).into_iter().collect(),
    }
}

/// Memory, processor time, age and open files of the process.
fn process_numbers() {
    use rustix::{param, time};
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, at: usize| text.split_whitespace().nth(at)?.parse::<f64>().ok();
    if let (Some(pages), Ok(page)) =
        (field(&read("/proc/self/statm"), 1), u32::try_from(param::page_size()))
    {
        metrics::gauge!("process_resident_memory_bytes").set(pages * f64::from(page));
    }
    let seconds = |clock| {
        let time = time::clock_gettime(clock);
        #[allow(clippy::cast_precision_loss)]
        let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
        seconds
    };
    metrics::gauge!("process_cpu_seconds_total").set(seconds(time::ClockId::ProcessCPUTime));
    // Behind the name, which may hold spaces: the twentieth is the start, in ticks since boot.
    let stat = read("/proc/self/stat");
    let start = stat.rsplit_once(')').and_then(|(_, rest)| field(rest, 19));
    if let (Some(start), Ok(ticks)) = (start, u32::try_from(param::clock_ticks_per_second())) {
        let age = seconds(time::ClockId::Boottime) - start / f64::from(ticks);
        metrics::gauge!("process_start_time_seconds").set(seconds(time::ClockId::Realtime) - age);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let open = u32::try_from(open.count()).unwrap_or(u32::MAX);
        metrics::gauge!("process_open_fds").set(f64::from(open));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_components_numbers_become_gauges() {
        let status = json!({ "rooms in memory": 3, "servers": { "known": 2 }, "verdict": "kept" });
        let numbers = component_numbers("annex_muc".into(), &status);
        let expected =
            [("annex_muc_rooms_in_memory".into(), 3.0), ("annex_muc_servers_known".into(), 2.0)];
        assert_eq!(numbers, expected);
    }
}
