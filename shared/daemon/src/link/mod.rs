//! The stream to the server (XEP-0114): reaching it, opening it, and saying what went wrong.
//!
//! A stream is opened through `tokio_xmpp::xmlstream`, whose parser is then left behind: what
//! follows is read by `annex_stanza::Reader`, which a user cannot break, and written as bytes.

mod backoff;
mod connect;
mod failure;
mod handshake;

pub(crate) use backoff::Backoff;
pub use connect::{Dial, Dialing, Network, Wire};
pub(crate) use failure::is_refusal;
pub use failure::{Failure, Software};
pub use handshake::{Established, open};

use crate::runtime::LinkConfig;

/// Connects and shakes hands, once: for `check --connect`.
pub async fn establish(config: &LinkConfig) -> Result<Established, Failure> {
    shake(Network.dial(&config.server), config).await
}

/// Shakes hands over a connection to come.
pub(crate) async fn shake(dialing: Dialing, config: &LinkConfig) -> Result<Established, Failure> {
    let limit = config.timeouts.connect;
    let wire = tokio::time::timeout(limit, dialing).await.map_err(|_| Failure::Unreachable)??;
    open(wire, config).await
}
