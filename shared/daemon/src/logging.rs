//! The log, on standard error: text, JSON, or journald's priorities.
//!
//! No bodies of stanzas and no secrets at any level: the libraries below that show what passes
//! through them are never asked.

use std::{fmt, io::IsTerminal, sync::OnceLock};

use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Registry,
    filter::filter_fn,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{DefaultFields, Writer},
    },
    layer::{Layer, SubscriberExt},
    registry::LookupSpan,
    reload,
    util::SubscriberInitExt,
};

/// Changes the level of a running process.
static LEVEL: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// How a line begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Time and level.
    Terminal,
    /// A priority that journald reads; it knows the time.
    Journal,
}

/// Reads a level: a word, or directives by target.
pub(crate) fn filter(level: &str) -> Result<EnvFilter, String> {
    let directives: Vec<&str> = level.split(',').map(str::trim).collect();
    for directive in &directives {
        // A word that is no level would be taken for a target, and everything else fall silent.
        let word = directive.rsplit('=').next().unwrap_or(directive);
        if !LEVELS.contains(&word.to_ascii_lowercase().as_str()) {
            return Err(format!("{word:?} is none of {}", LEVELS.join(", ")));
        }
    }
    EnvFilter::builder().parse(directives.join(",")).map_err(|error| error.to_string())
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Starts the log of this process.
pub(crate) fn start(level: &str, json: bool) -> Result<(), String> {
    let (filter, handle) = reload::Layer::new(filter(level)?);
    // A terminal may have been started by systemd too, and does not read priorities.
    let is_journal =
        std::env::var_os("JOURNAL_STREAM").is_some() && !std::io::stderr().is_terminal();
    let style = if is_journal { Style::Journal } else { Style::Terminal };
    let lines = if json {
        let json = tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(std::io::stderr);
        json.with_filter(filter_fn(is_discreet)).boxed()
    } else {
        let text = tracing_subscriber::fmt::layer()
            .event_format(Lines(style))
            .with_writer(std::io::stderr);
        text.with_filter(filter_fn(is_discreet)).boxed()
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .try_init()
        .map_err(|error| error.to_string())?;
    let _ = LEVEL.set(handle);
    std::panic::set_hook(Box::new(|panic| {
        if annex_store::catches_panic() {
            return;
        }
        // The message of a panic may quote what was being handled; where it happened does not.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let said = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or("");
        tracing::error!(place, said, "a fault in the program; please report it");
    }));
    Ok(())
}

/// Changes the level.
pub(crate) fn set_level(level: &str) -> Result<(), String> {
    let filter = filter(level)?;
    match LEVEL.get() {
        Some(handle) => handle.reload(filter).map_err(|error| error.to_string()),
        None => Err("the log has not started".into()),
    }
}

/// Libraries that would show stanzas or secrets speak up only when something is wrong.
fn is_discreet(metadata: &Metadata<'_>) -> bool {
    const TALKATIVE: [&str; 6] = ["tokio_xmpp", "rxml", "xso", "minidom", "hyper", "sled"];
    let target = metadata.target();
    let talkative = TALKATIVE.iter().any(|name| {
        target.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    });
    // What tokio-xmpp says of a parse error quotes it.
    !talkative || (*metadata.level() <= Level::WARN && !target.starts_with("tokio_xmpp"))
}

/// One line for each event, whatever it contains.
pub(crate) struct Lines(pub(crate) Style);

impl<S> FormatEvent<S, DefaultFields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, DefaultFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        match self.0 {
            Style::Journal => write!(writer, "<{}>", priority(level))?,
            Style::Terminal => {
                let now = time::OffsetDateTime::now_utc();
                let (date, clock) = (now.date(), now.time());
                let (hour, minute, second) = clock.as_hms();
                write!(
                    writer,
                    "{date}T{hour:02}:{minute:02}:{second:02}.{:03}Z {level:<5} ",
                    now.millisecond()
                )?;
            }
        }
        let mut line = String::new();
        context.format_fields(Writer::new(&mut line), event)?;
        for char in line.chars() {
            // What arrived from elsewhere must not fake a line of its own.
            if char.is_control() {
                write!(writer, "{}", char.escape_default())?;
            } else {
                writer.write_char(char)?;
            }
        }
        if level >= Level::DEBUG {
            write!(writer, " ({})", event.metadata().target())?;
        }
        writeln!(writer)
    }
}

/// syslog's number of a level.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("lock").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(style: Style, act: impl FnOnce()) -> String {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Lines(style))
            .with_writer(move || writer.clone())
            .with_filter(filter_fn(is_discreet));
        let subscriber =
            tracing_subscriber::registry().with(filter("trace").expect("filter")).with(layer);
        tracing::subscriber::with_default(subscriber, act);
        let bytes = kept.0.lock().expect("lock").clone();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn a_level_that_is_none_is_refused() {
        for good in ["info", "WARN", "info,annex_daemon::link=debug", "off, annex_store=trace"] {
            assert!(filter(good).is_ok(), "{good}");
        }
        for bad in ["", "inof", "info,annex_daemon::link", "annex_daemon=", "annex_daemon=loud"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn journald_is_told_the_priority_and_no_time() {
        let text = logged(Style::Journal, || {
            tracing::info!(rooms = 3, "opened");
            tracing::warn!("odd");
            tracing::error!("wrong");
        });
        assert_eq!(text, "<6>opened rooms=3\n<4>odd\n<3>wrong\n");
    }

    #[test]
    fn what_a_stranger_sends_stays_on_its_line() {
        let text = logged(Style::Journal, || tracing::info!("a\n<0>b\u{1b}[2J"));
        assert_eq!(text.lines().count(), 1, "{text:?}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn the_stream_library_is_silent_at_every_level() {
        let text = logged(Style::Journal, || {
            tracing::trace!(target: "tokio_xmpp::xmlstream", "<body>secret</body>");
            tracing::error!(target: "tokio_xmpp", "<body>secret</body>");
            tracing::debug!(target: "rxml::parser", "<body>");
        });
        assert_eq!(text, "");
    }
}
