//! The one place that writes to the terminal. A reader that has gone away (`| head`) is no error.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// Something could not be written, and not because nobody reads it.
static LOST: AtomicBool = AtomicBool::new(false);

/// Writes a text, and the end of its line, to standard output.
pub(crate) fn line(text: impl AsRef<str>) {
    if let Err(why) = try_line(text)
        && why.kind() != io::ErrorKind::BrokenPipe
        && !LOST.swap(true, Ordering::Relaxed)
    {
        error(format!("standard output cannot be written: {why}"));
    }
}

/// Whether [`line`] could not write all that it was given.
pub(crate) fn is_incomplete() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// The same, where it matters that somebody still reads.
pub(crate) fn try_line(text: impl AsRef<str>) -> io::Result<()> {
    let text = text.as_ref();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}{end}")?;
    stdout.flush()
}

/// Writes a line to standard error.
pub(crate) fn error(text: impl AsRef<str>) {
    let text = text.as_ref();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(io::stderr().lock(), "{text}{end}");
}

/// Someone is looking, and does not mind escape sequences.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none()
}

/// A text from elsewhere, without what would act on a terminal.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { '\u{fffd}' } else { char }).collect()
}

/// Rows in columns, the first row above a line of its own.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{:<width$}  ", plain(cell)));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
