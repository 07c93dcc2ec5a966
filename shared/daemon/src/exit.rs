//! How a program ends.

use std::process::ExitCode;

/// What the exit code says; the same in all four programs, for every subcommand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it went well.
    Ok,
    /// 1: it failed while running; a restart may help.
    Failed,
    /// 2: usage or configuration; someone must act.
    Usage,
    /// 3: the server refused, where only one connection was asked for; for `status`, nothing runs.
    Refused,
    /// 4: the store is locked, damaged or newer; someone must act.
    Store,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Refused => 3,
            Exit::Store => 4,
        })
    }
}

/// An end with a sentence for whoever sits at the terminal.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What went wrong and what to do.
    pub text: String,
}

impl Failure {
    /// Fails so, in these words.
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into() }
    }
}

impl From<crate::config::mistakes::ConfigError> for Failure {
    fn from(error: crate::config::mistakes::ConfigError) -> Self {
        Self::new(Exit::Usage, error.to_string())
    }
}

impl From<annex_store::OpenError> for Failure {
    fn from(error: annex_store::OpenError) -> Self {
        let exit = if error.is_permanent() { Exit::Store } else { Exit::Failed };
        let hint = match error {
            annex_store::OpenError::Io { .. } => {
                "; it must be a directory that the user who runs this may write to"
            }
            _ => "",
        };
        Self::new(exit, format!("{error}{hint}"))
    }
}

impl From<annex_store::FileError> for Failure {
    fn from(error: annex_store::FileError) -> Self {
        use annex_store::FileError;
        match error {
            FileError::Open(error) => error.into(),
            FileError::Store(error) if error.damaged => Self::new(Exit::Store, error.to_string()),
            FileError::NotEmpty { path } => Self::new(
                Exit::Usage,
                format!(
                    "the store {} has data; nothing was changed: --force replaces them",
                    path.display()
                ),
            ),
            FileError::Newer { .. } => Self::new(
                Exit::Store,
                format!("{error}: take the program that wrote them, or a newer one"),
            ),
            _ => Self::new(Exit::Failed, error.to_string()),
        }
    }
}
