//! Everything around a component: its stream to the server, turns, lanes and output, storage,
//! outside calls, signals, configuration and the command line. All of tokio lives here.

pub mod link;
pub mod runtime;
