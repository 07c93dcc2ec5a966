//! The programs as their operators meet them: exit codes, files, sockets, signals, and words.

mod configuration;
mod data;
mod generated;
mod initial;
mod place;
mod running;
mod server;
