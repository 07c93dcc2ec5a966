//! What the command line looks like. Help, completions and manual pages are made from this.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum, builder::Styles};
use clap_complete::Shell;

use super::verbs;
use crate::program::Program;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    disable_help_subcommand = true,
    styles = Styles::plain(),
    after_help = "Exit codes: 0 ok, 1 failed while running, 2 usage or configuration, 3 refused by the server (check --connect) or not running (status), 4 store locked, damaged or newer."
)]
pub(crate) struct Cli {
    /// The configuration; without it /etc/annex/NAME.toml.
    #[arg(
        short,
        long,
        global = true,
        value_name = "PATH",
        env = "ANNEX_CONFIG",
        hide_env_values = true
    )]
    pub(crate) config: Option<PathBuf>,
    /// Answer as JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Which domain; needed where there are several.
    #[arg(long, global = true, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
    /// Log more: once debug, twice trace.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Log warnings and errors only.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// How lines of the log are written.
    #[arg(long, global = true, value_name = "FORMAT")]
    pub(crate) log_format: Option<Format>,
    /// What to do; run, if nothing is said.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// How lines of the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Text.
    Text,
    /// JSON.
    Json,
}

impl Format {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// The words that every program has.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run in the foreground until told to stop (the default)
    Run,
    /// Look for what is wrong, and say what to do about it
    Check {
        /// Connect to the server once, and look at DNS and certificate of the subdomain
        #[arg(long)]
        connect: bool,
        /// Check that this backup can be restored
        #[arg(long, value_name = "FILE")]
        backup: Option<PathBuf>,
        /// Warnings fail too
        #[arg(long)]
        strict: bool,
    },
    /// Write a configuration and a secret, and print what to add to the server
    Init {
        /// The subdomain to serve, such as rooms.example.com
        domain: String,
        /// The server that it attaches to; without it, what to add is printed for both
        #[arg(long)]
        server: Option<Server>,
        /// Who may run commands from a client, such as admin@example.com; may be repeated
        #[arg(long = "admin", value_name = "JID")]
        admins: Vec<String>,
        /// Where to write, instead of the directory of --config
        #[arg(long, value_name = "PATH")]
        directory: Option<PathBuf>,
        /// The server's component port; without it 5347 with Prosody, which has one for all
        /// components, and one of this program's own with ejabberd
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        port: Option<u16>,
    },
    /// Show how the running process is
    Status {
        /// Show it again every two seconds
        #[arg(long)]
        watch: bool,
    },
    /// Succeed if the process runs and is connected; for health checks
    Probe,
    /// Stop the running process, and wait until it has ended
    Stop {
        /// It will not come back soon: tell those who use it
        #[arg(long = "final")]
        last: bool,
    },
    /// Read the configuration again; what it changes is told
    Reload,
    /// Leave the server and connect anew
    Reconnect,
    /// Change the level of the log until the next reload or restart
    LogLevel {
        /// Such as debug, or info,annex_daemon::link=debug
        level: String,
    },
    /// Write everything stored to one file, while the process runs or not
    Backup {
        /// The file to write; it must not exist
        file: PathBuf,
    },
    /// Put a backup in place; the process must not run
    Restore {
        /// The backup
        file: PathBuf,
        /// Replace what is stored now
        #[arg(long)]
        force: bool,
    },
    /// Write everything stored as lines of JSON
    Export {
        /// The file to write; standard output if none is given, or -
        file: Option<PathBuf>,
    },
    /// Read lines of JSON that export has written; the process must not run
    Import {
        /// The file; - for standard input
        file: PathBuf,
        /// Replace what is stored now
        #[arg(long)]
        force: bool,
    },
    /// What is stored about one person
    #[command(subcommand)]
    Person(Person),
    /// What moderators, admins and operators did
    Audit {
        /// Entries at most
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Only entries before this stamp
        #[arg(long, value_name = "STAMP")]
        before: Option<String>,
    },
    /// The configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print a manual page
    Man {
        /// Which page
        #[arg(default_value = "program")]
        page: Page,
    },
}

impl Command {
    /// It concerns what one domain has stored.
    pub(crate) fn is_about_a_domain(&self) -> bool {
        matches!(
            self,
            Self::Backup { .. }
                | Self::Restore { .. }
                | Self::Export { .. }
                | Self::Import { .. }
                | Self::Person(_)
                | Self::Audit { .. }
        )
    }
}

/// What is done about a person.
#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    /// Show everything stored about someone
    Show {
        /// The person's address
        jid: String,
    },
    /// End sessions; remove affiliations, registrations, subscriptions
    Forget {
        /// The person's address
        jid: String,
        /// What becomes of messages
        #[arg(long, default_value = "keep")]
        messages: Messages,
    },
}

/// What becomes of a forgotten person's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Messages {
    /// They stay
    Keep,
    /// A mark says that there was one
    Tombstone,
    /// They are deleted
    Delete,
}

impl Messages {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Tombstone => "tombstone",
            Self::Delete => "delete",
        }
    }
}

/// What is done with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print an example with every setting and its default
    Example,
    /// Print the settings in force, without secrets
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

/// Which server software.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Server {
    /// Prosody
    Prosody,
    /// ejabberd
    Ejabberd,
}

impl Server {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Prosody => "prosody",
            Self::Ejabberd => "ejabberd",
        }
    }
}

/// Which manual page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Page {
    /// The program's
    Program,
    /// The settings of its configuration
    Config,
}

/// Arguments of a component's verb.
#[derive(Debug, Args)]
pub(crate) struct VerbArguments {
    /// NAME=VALUE for each argument; values without a name go to those that have none
    #[arg(value_name = "ARGUMENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// The command line of one program, its component's verbs included.
pub(crate) fn command(program: &Program) -> clap::Command {
    let about =
        format!("{} for an XMPP server, as an external component (XEP-0114)", program.title);
    let command = Cli::command()
        .name(program.name)
        .bin_name(program.name)
        .version(program.version)
        .about(about);
    verbs::add(program, command)
}

/// The completions for a shell.
pub(crate) fn completions(program: &Program, shell: Shell) -> String {
    let mut bytes = Vec::new();
    clap_complete::generate(shell, &mut command(program), program.name, &mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
