//! The stream to the server (XEP-0114): reaching it, opening it, and saying what went wrong.
//!
//! A stream is opened through `tokio_xmpp::xmlstream`, whose parser is then left behind: what
//! follows is read by `annex_stanza::Reader`, which a user cannot break, and written as bytes.

mod backoff;
mod connect;
mod failure;
mod handshake;

pub(crate) use backoff::Backoff;
pub use connect::Wire;
pub(crate) use connect::connect;
pub use failure::{Failure, Software};
pub use handshake::{Established, open};

use crate::runtime::LinkConfig;

/// Connects and shakes hands.
pub(crate) async fn establish(config: LinkConfig) -> Result<Established, Failure> {
    let wire = tokio::time::timeout(config.timeouts.connect, connect(&config.server))
        .await
        .map_err(|_| Failure::NoAnswer)??;
    open(wire, &config).await
}
