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
    let stream = TcpStream::connect(place)
        .await
        .map_err(|error| format!("{error}; open port {} for other servers", place.port()))?;
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

#[cfg(test)]
pub(super) mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::{
        TlsAcceptor,
        rustls::{ServerConfig, pki_types::PrivateKeyDer},
    };

    use super::*;

    const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:server' \
        xmlns:stream='http://etherx.jabber.org/streams' from='example.com' id='1' version='1.0'>";
    const STARTTLS: &str = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\
        </stream:features>";
    const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";

    async fn until(stream: &mut TcpStream, word: &str) {
        let mut heard = String::new();
        let mut buffer = [0; 1024];
        while !heard.contains(word) {
            let bytes = stream.read(&mut buffer).await.expect("bytes");
            assert!(bytes > 0, "it ended: {heard}");
            heard.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
        }
    }

    /// A server with a certificate for these names, or without encryption if there are none.
    pub(in crate::check) async fn serve(names: &[&str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let place = listener.local_addr().expect("an address");
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            until(&mut stream, "jabber:server").await;
            stream.write_all(OPEN.as_bytes()).await.expect("a header");
            if names.is_empty() {
                stream.write_all(b"<stream:features/>").await.expect("features");
                return;
            }
            stream.write_all(STARTTLS.as_bytes()).await.expect("features");
            until(&mut stream, "starttls").await;
            stream.write_all(PROCEED.as_bytes()).await.expect("leave");
            let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
            let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("its key");
            let config = ServerConfig::builder_with_provider(ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .expect("versions")
                .with_no_client_auth()
                .with_single_cert(vec![made.cert.der().clone()], key)
                .expect("a configuration");
            let _ = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
        });
        place
    }

    #[tokio::test]
    async fn a_certificate_that_names_the_subdomain_is_good() {
        let place = serve(&["example.com", "rooms.example.com"]).await;
        assert_eq!(shown(place, "rooms.example.com").await, Ok(Shown::Names));
        let place = serve(&["*.example.com"]).await;
        assert_eq!(shown(place, "rooms.example.com").await, Ok(Shown::Names));
    }

    #[tokio::test]
    async fn a_certificate_that_does_not_is_told_by_its_names() {
        let place = serve(&["example.com", "chat.example.com"]).await;
        let Ok(Shown::Others(names)) = shown(place, "rooms.example.com").await else {
            panic!("it does not name it");
        };
        assert!(names.iter().any(|name| name.contains("chat.example.com")), "{names:?}");
    }

    #[tokio::test]
    async fn a_server_without_encryption_is_told_of() {
        let place = serve(&[]).await;
        let why = shown(place, "rooms.example.com").await.expect_err("no certificate");
        assert!(why.contains("STARTTLS"), "{why}");
    }
}
