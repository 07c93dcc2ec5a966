//! ejabberd's own service, beside ours: we are a component of it that sends, and that receives all
//! copies.

use std::net::TcpStream;

use sha1::{Digest, Sha1};

use crate::{Measured, link::Link, measure, message::Message, process};

/// A running ejabberd with `mod_multicast`.
pub(crate) struct Ejabberd {
    link: Link,
    pid: u32,
    domain: String,
    service: String,
}

impl Ejabberd {
    /// `PORT,DOMAIN,SECRET,SERVICE,PID`: where and as what to attach, the service's address, and
    /// the process.
    pub(crate) fn attach(arguments: &str) -> Self {
        let words: Vec<&str> = arguments.split(',').collect();
        let [port, domain, secret, service, pid] = words[..] else { panic!("{arguments}") };
        let port: u16 = port.parse().expect("a port");
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("ejabberd listens");
        let mut link = Link::new(stream);
        link.send(format!("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>").as_bytes());
        let opening = link.until(b"<stream:stream", b">");
        let opening = String::from_utf8(opening).expect("text");
        let id = opening.split(" id='").nth(1).and_then(|rest| rest.split('\'').next());
        let digest = Sha1::digest(format!("{}{secret}", id.expect("an id")));
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        link.send(format!("<handshake>{digest}</handshake>").as_bytes());
        link.until(b"<handshake", b">");
        Self {
            link,
            pid: pid.parse().expect("a process"),
            domain: domain.into(),
            service: service.into(),
        }
    }

    /// Measures it with the same message.
    pub(crate) fn measure(
        &mut self,
        count: usize,
        shown: usize,
        seconds: f64,
        measured: &mut Measured,
    ) {
        let mut message = Message::new(count, shown, &self.service, &self.domain);
        let pid = self.pid;
        measure(&mut self.link, || process::cpu(pid), &mut message, seconds, measured);
    }
}
