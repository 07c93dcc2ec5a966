//! Rooms for an XMPP server, as an external component.

use std::process::ExitCode;

fn main() -> ExitCode {
    annex_daemon::main::<annex_muc::Muc>()
}
