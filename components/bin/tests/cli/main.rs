//! The programs as their operators meet them: exit codes, files, sockets, signals, and words.

mod configuration;
mod data;
mod generated;
mod health;
mod initial;
mod operating;
mod place;
mod reloading;
mod running;
mod server;
mod trace;
