//! Bounds and times, none of which may be so small that nothing moves; and paths.

use std::{path::Path, time::Duration};

use super::Judge;
use crate::{config::values::Values, runtime::Limits};

/// RFC 6120 §13.12: bytes of a stanza that everybody must accept, at the least.
pub(super) const STANZA: usize = 10_000;

/// The least that can be worked with: bytes, and how to write them.
const SIZES: [(&str, u64, &str); 8] = [
    ("limits.stanza_in", STANZA as u64, "10000 B or more (RFC 6120 §13.12)"),
    ("limits.presence", STANZA as u64, "10000 B or more (RFC 6120 §13.12)"),
    ("limits.stanza_out", STANZA as u64, "10000 B or more (RFC 6120 §13.12)"),
    ("limits.inbox", 1 << 20, "1 MiB or more"),
    ("limits.outbox", 1 << 20, "1 MiB or more"),
    ("limits.backlog", 1 << 20, "1 MiB or more"),
    ("limits.commits", 64 << 10, "64 KiB or more"),
    ("limits.call_size", 1 << 10, "1 KiB or more"),
];

/// Times of which less than a second is a slip of the pen.
const TIMES: [&str; 5] =
    ["link.connect", "link.keepalive", "link.ping", "link.dead", "limits.command_timeout"];

/// Keys whose value is a path.
const PATHS: [&str; 4] = ["component.secret_file", "store.path", "log.trace_file", "admin.socket"];

impl Judge<'_> {
    pub(super) fn bounds(&mut self, path: &[String], values: &Values) {
        for (key, least, words) in SIZES {
            if values.number(key) < least {
                self.fault(path, values, key, format!("expected {words}"));
            }
        }
        if values.number("limits.inbox") < values.number("limits.stanza_in").saturating_mul(2) {
            self.fault(
                path,
                values,
                "limits.inbox",
                "expected twice limits.stanza_in or more: the longest stanza must find room in it",
            );
        }
        for key in TIMES {
            if time(values, key) < Duration::from_secs(1) {
                self.fault(path, values, key, "expected \"1s\" or more");
            }
        }
    }

    /// A path that depends on where the program is started leads elsewhere one day.
    pub(super) fn paths(&mut self, path: &[String], values: &Values) {
        for key in PATHS {
            match values.text(key) {
                Some("") => self.fault(path, values, key, "expected a path, found \"\""),
                Some(text) if Path::new(text).is_relative() => {
                    let warning = format!(
                        "{key}: where it is depends on the directory in which the program is started: give a path from /"
                    );
                    // What every domain inherits is said once.
                    if !self.warnings.contains(&warning) {
                        self.warnings.push(warning);
                    }
                }
                _ => {}
            }
        }
    }
}

pub(super) fn time(values: &Values, key: &str) -> Duration {
    let seconds = values.value(key).as_f64().unwrap_or_default();
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

pub(super) fn limits(values: &Values) -> Limits {
    let size = |key: &str| usize::try_from(values.number(key)).unwrap_or(usize::MAX);
    Limits {
        inbound: annex_stanza::Limits {
            depth: size("limits.depth"),
            children: size("limits.children"),
            bytes: size("limits.stanza_in"),
            presence: size("limits.presence"),
        },
        stanza_out: size("limits.stanza_out"),
        inbox: size("limits.inbox"),
        outbox: size("limits.outbox"),
        backlog: size("limits.backlog"),
        commits: size("limits.commits"),
        calls: size("limits.calls"),
        call_bytes: size("limits.call_size"),
        requests: size("limits.requests"),
        ..Limits::default()
    }
}
