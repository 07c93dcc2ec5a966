//! The command line.

use std::process::ExitCode;

use crate::program::Program;

/// Reads the command line and does what it says.
pub(crate) fn main(_: &Program) -> ExitCode {
    ExitCode::SUCCESS
}
