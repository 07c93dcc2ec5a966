//! Everything around a component: its stream to the server, turns, lanes and output, storage,
//! outside calls, signals, configuration and the command line. All of tokio lives here.

pub mod admin;
mod check;
mod cli;
pub mod config;
pub mod exit;
mod handle;
mod http;
mod init;
pub mod link;
mod logging;
mod man;
mod notify;
mod out;
mod owner;
#[cfg(test)]
mod probe;
pub mod program;
pub mod runtime;
mod secret;
mod signals;
mod state;
mod supervisor;

pub use program::main;
