//! The certificate that the server shows to other servers for a subdomain.
//!
//! The names in it are compared (RFC 6125), and nothing more: whether others trust it is theirs to
//! judge. So nothing but a stream header and STARTTLS (RFC 6120 §5) is ever sent over this
//! connection.

use std::{
    borrow::Cow,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use tokio::{io::BufReader, net::TcpStream};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
        client::{
            danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
            verify_server_name,
        },
        crypto::ring,
        pki_types::{CertificateDer, ServerName, UnixTime},
        server::ParsedCertificate,
    },
};
use tokio_xmpp::{
    parsers::starttls::{Nonza, Request},
    xmlstream::{StreamHeader, Timeouts, XmlStream, XmppStreamElement, initiate_stream},
};

/// Whom a certificate names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// The subdomain.
    Names,
    /// Only these.
    Others(Vec<String>),
}

/// Asks the server at `place` for the certificate of `domain`.
pub(super) async fn shown(place: SocketAddr, domain: &str) -> Result<Shown, String> {
    let words = |error: io::Error| error.to_string();
    let stream = TcpStream::connect(place).await.map_err(words)?;
    let patience = Timeouts {
        read_timeout: Duration::from_secs(30),
        response_timeout: Duration::from_secs(30),
    };
    let header = StreamHeader { to: Some(Cow::Borrowed(domain)), ..StreamHeader::default() };
    let pending = initiate_stream(BufReader::new(stream), "jabber:server", header, patience)
        .await
        .map_err(words)?;
    let (features, mut stream): (_, XmlStream<_, XmppStreamElement>) =
        pending.recv_features().await.map_err(|error| format!("{error:?}"))?;
    if features.starttls.is_none() {
        return Err("it offers no encryption (STARTTLS)".into());
    }
    stream.send(&XmppStreamElement::Starttls(Nonza::Request(Request))).await.map_err(words)?;
    match stream.next().await {
        Some(Ok(XmppStreamElement::Starttls(Nonza::Proceed(_)))) => {}
        _ => return Err("it does not begin the encryption it offers".into()),
    }
    let looked = Arc::new(Look { domain: name(domain)?, shown: Mutex::new(None) });
    let config = ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(looked.clone())
        .with_no_client_auth();
    let wire = stream.into_inner().into_inner();
    let outcome = TlsConnector::from(Arc::new(config)).connect(name(domain)?, wire).await;
    let shown = looked.shown.lock().unwrap_or_else(PoisonError::into_inner).take();
    shown.ok_or_else(|| match outcome {
        Ok(_) => "it shows none".into(),
        Err(error) => error.to_string(),
    })
}

fn name(domain: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(domain.to_owned()).map_err(|error| error.to_string())
}

/// Looks at the names and accepts everything, as nothing is entrusted to this connection.
#[derive(Debug)]
struct Look {
    domain: ServerName<'static>,
    shown: Mutex<Option<Shown>>,
}

impl Look {
    fn names(&self, certificate: &CertificateDer<'_>) -> Result<Shown, Error> {
        let certificate = ParsedCertificate::try_from(certificate)?;
        match verify_server_name(&certificate, &self.domain) {
            Ok(()) => Ok(Shown::Names),
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            })) => Ok(Shown::Others(presented)),
            Err(Error::InvalidCertificate(CertificateError::NotValidForName)) => {
                Ok(Shown::Others(vec!["nothing that could be read".into()]))
            }
            Err(error) => Err(error),
        }
    }
}

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = self.names(certificate)?;
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
