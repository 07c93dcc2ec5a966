//! One domain at work: its stream, its turns, its output.

pub mod control;

pub use control::{
    Control, DomainSettings, Limits, Link, LinkConfig, Numbers, Published, Report, RunError, Server,
    Space, Status, Timeouts,
};
