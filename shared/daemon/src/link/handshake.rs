//! Opening a stream and the handshake (XEP-0114 §3).

use std::{borrow::Cow, io};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use secrecy::ExposeSecret;
use sha1::{Digest, Sha1};
use tokio::{io::BufReader, time::timeout};
use tokio_xmpp::{
    parsers::component::Handshake,
    xmlstream::{ReadError, StreamHeader, Timeouts, XmlStream, XmppStreamElement, initiate_stream},
};

use super::{
    connect::Wire,
    failure::{Failure, Software},
};
use crate::runtime::LinkConfig;

const NAMESPACE: &str = "jabber:component:accept";

/// A stream that is open for stanzas.
pub struct Established {
    /// The connection.
    pub wire: Box<dyn Wire>,
    /// What the server sent behind the handshake, already read from the connection.
    pub early: Bytes,
    /// Which software answers, as far as its manner tells.
    pub software: Software,
}

/// Sends the stream header and the handshake, and waits for the server's verdict.
pub async fn open(wire: Box<dyn Wire>, config: &LinkConfig) -> Result<Established, Failure> {
    let limit = config.timeouts.connect;
    // The limit below is the one that counts.
    let patience = Timeouts { read_timeout: limit * 2, response_timeout: limit * 2 };
    let negotiation = async {
        let domain = config.jid.as_str();
        let header = StreamHeader { to: Some(Cow::Borrowed(domain)), ..StreamHeader::default() };
        let pending = initiate_stream(BufReader::new(wire), NAMESPACE, header, patience)
            .await
            .map_err(|error| Failure::from_negotiation(&error))?;
        let id = pending.header().id.map(Cow::into_owned).unwrap_or_default();
        let software = Software::of_stream_id(&id);
        let mut stream: XmlStream<_, XmppStreamElement> = pending.skip_features();
        let answer = Handshake { data: Some(digest(&id, config.secret.expose_secret())) };
        // Prosody closes at once where it does not know the domain: its reason is still to be read.
        let sent = stream.send(&XmppStreamElement::ComponentHandshake(answer)).await;
        verdict(&mut stream, software).await.map_err(|failure| match (failure, sent) {
            (Failure::Silent, Err(error)) => Failure::from_negotiation(&error),
            (failure, _) => failure,
        })?;
        let wire = stream.into_inner();
        let early = Bytes::copy_from_slice(wire.buffer());
        Ok(Established { wire: wire.into_inner(), early, software })
    };
    timeout(limit, negotiation).await.map_err(|_| Failure::NoAnswer)?
}

async fn verdict(
    stream: &mut XmlStream<BufReader<Box<dyn Wire>>, XmppStreamElement>,
    software: Software,
) -> Result<(), Failure> {
    match stream.next().await {
        Some(Ok(XmppStreamElement::ComponentHandshake(_))) => Ok(()),
        Some(Ok(XmppStreamElement::StreamError(error))) => Err(Failure::Stream {
            // Of several languages the one of our log.
            text: error.0.get_best_text_cloned(vec!["en"]).map(|(_, text)| text),
            condition: error.0.condition.to_string(),
            software,
        }),
        Some(Ok(_)) => {
            Err(Failure::NotXmpp("it answered the handshake with something else".into()))
        }
        Some(Err(ReadError::HardError(error))) => Err(Failure::from_negotiation(&error)),
        Some(Err(ReadError::ParseError(error))) => Err(Failure::NotXmpp(error.to_string())),
        Some(Err(ReadError::SoftTimeout)) => Err(Failure::NoAnswer),
        Some(Err(ReadError::StreamFooterReceived)) | None => Err(Failure::Silent),
    }
}

/// SHA-1 of the stream id and the secret.
fn digest(id: &str, secret: &str) -> [u8; 20] {
    Sha1::new().chain_update(id).chain_update(secret).finalize().into()
}

impl Failure {
    fn from_negotiation(error: &io::Error) -> Self {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionReset, InvalidData, TimedOut, UnexpectedEof,
        };
        match error.kind() {
            UnexpectedEof | BrokenPipe | ConnectionReset | ConnectionAborted => Self::Silent,
            TimedOut => Self::NoAnswer,
            InvalidData if error.to_string().contains("eof") => Self::Silent,
            InvalidData => Self::NotXmpp(error.to_string()),
            _ => Self::Io(error.to_string()),
        }
    }
}
