//! The server's end of a stream in memory, and a runtime over it on a virtual clock.

#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test uses its part")]

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use annex_daemon::{
    link::{Dial, Dialing, Failure, Network},
    runtime::{
        Control, DomainSettings, Limits, LinkConfig, Report, RunError, Server, Status, Storage,
        Surroundings, Timeouts, VirtualClock, run_with, trace::Tracing,
    },
};
use annex_service::{input::Input, machine::Machine, store::Table, turn::Turn};
use annex_stanza::{Frame, Jid, Limits as Gate, Reader, Stanza};
use annex_store::{Memory, Schema};
use secrecy::SecretString;
use sha1::{Digest, Sha1};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{broadcast, mpsc, oneshot},
    task::JoinHandle,
};
use tracing::{
    Level,
    subscriber::{DefaultGuard, set_default},
};

pub const DOMAIN: &str = "rooms.example";
pub const SECRET: &str = "s3cret";
/// 2026-01-01.
pub const WALL: i64 = 1_767_225_600_000_000;
pub const TABLE: Table = Table::new(40, "test");

/// A machine made of a closure.
pub struct Script<F>(pub F);

impl<F: FnMut(Input, &mut Turn<'_>)> Machine for Script<F> {
    fn handle(&mut self, input: Input, turn: &mut Turn<'_>) {
        (self.0)(input, turn);
    }

    fn status(&self) -> serde_json::Value {
        serde_json::json!({ "script": true })
    }
}

pub fn jid(text: &str) -> Jid {
    Jid::parse(text).expect("address")
}

pub fn schema() -> Schema {
    Schema {
        component: "test",
        version: 1,
        tables: vec![TABLE, Table::new(41, "kept")],
        migrations: Vec::new(),
    }
}

/// Connections as the runtime makes them: each waits for the test.
pub struct Net {
    dialed: mpsc::UnboundedReceiver<DuplexStream>,
    /// Failures for the next attempts.
    pub failures: Arc<Mutex<Vec<Failure>>>,
}

struct Wires {
    dialed: mpsc::UnboundedSender<DuplexStream>,
    failures: Arc<Mutex<Vec<Failure>>>,
    buffer: usize,
}

impl Dial for Wires {
    fn dial(&mut self, _: &Server) -> Dialing {
        let failure = self.failures.lock().expect("lock").pop();
        let (ours, theirs) = duplex(self.buffer);
        let sent = failure.is_none() && self.dialed.send(theirs).is_ok();
        Box::pin(async move {
            match failure {
                Some(failure) => Err(failure),
                None if sent => Ok(Box::new(ours) as _),
                None => Err(Failure::Refused),
            }
        })
    }
}

impl Net {
    /// The next connection, before a word is said.
    pub async fn connection(&mut self) -> ServerEnd {
        ServerEnd::new(self.dialed.recv().await.expect("a runtime that dials"))
    }

    /// The next connection, after the handshake.
    pub async fn accept(&mut self) -> ServerEnd {
        let mut server = self.connection().await;
        server.welcome().await;
        server
    }
}

/// The server's side of one stream.
pub struct ServerEnd {
    pub wire: DuplexStream,
    reader: Reader,
    /// Stanzas of the component to itself are returned, as servers do.
    pub returns: bool,
    /// Marks seen.
    pub marks: usize,
}

impl ServerEnd {
    pub fn new(wire: DuplexStream) -> Self {
        let reader = Reader::new(Gate { bytes: usize::MAX, ..Gate::default() });
        Self { wire, reader, returns: true, marks: 0 }
    }

    /// Reads the header and answers it as Prosody does; returns what the handshake should be.
    pub async fn open(&mut self) -> String {
        self.open_as("69732b9a-1fcd-49a0-89c9-efb1eb203f9a").await
    }

    /// The same with another stream id; by their manner servers are told apart.
    pub async fn open_as(&mut self, id: &str) -> String {
        let header = self.raw_until(b">").await;
        let header = if header.contains("<stream:stream") || header.contains("stream'") {
            header
        } else {
            header + &self.raw_until(b">").await
        };
        assert!(header.contains(DOMAIN), "{header}");
        self.send(&format!("<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' from='rooms.example' id='{id}'>")).await;
        hex::encode(Sha1::digest(format!("{id}{SECRET}")))
    }

    /// Header and handshake as they should be.
    pub async fn welcome(&mut self) {
        let digest = self.open().await;
        let handshake = self.raw_until(b"</handshake>").await;
        assert!(handshake.contains(&digest), "{handshake}");
        self.send("<handshake/>").await;
        // From here on stanzas are read: the reader wants to have seen a header.
        self.reader.feed(b"<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams'>");
    }

    pub async fn send(&mut self, xml: &str) {
        self.wire.write_all(xml.as_bytes()).await.expect("the component reads");
    }

    /// Sends, and gives up when the component has gone.
    pub async fn try_send(&mut self, xml: &str) -> std::io::Result<()> {
        self.wire.write_all(xml.as_bytes()).await
    }

    pub async fn raw_until(&mut self, end: &[u8]) -> String {
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(end) {
            match self.wire.read(&mut byte).await {
                Ok(1) => text.push(byte[0]),
                _ => break,
            }
        }
        String::from_utf8(text).expect("text")
    }

    /// The next thing the component says that is no stanza to itself; none when it has closed.
    pub async fn frame(&mut self) -> Option<Frame> {
        loop {
            match self.reader.next().expect("well-formed output") {
                Some(Frame::Stanza(stanza))
                    if stanza.from.as_str() == DOMAIN && stanza.to.as_str() == DOMAIN =>
                {
                    self.marks += 1;
                    if self.returns {
                        let xml = String::from_utf8(stanza.render()).expect("text");
                        let _ = self.try_send(&xml).await;
                    }
                }
                Some(frame) => return Some(frame),
                None => {
                    let mut bytes = vec![0; 64 << 10];
                    match self.wire.read(&mut bytes).await {
                        Ok(0) | Err(_) => return None,
                        Ok(count) => self.reader.feed(&bytes[..count]),
                    }
                }
            }
        }
    }

    /// The next stanza.
    pub async fn stanza(&mut self) -> Stanza {
        match self.frame().await {
            Some(Frame::Stanza(stanza)) => stanza,
            other => panic!("a stanza, not {other:?}"),
        }
    }

    /// Text of the next stanza's payload.
    pub async fn payload(&mut self) -> String {
        let stanza = self.stanza().await;
        String::from_utf8(stanza.payload.bytes().to_vec()).expect("text")
    }

    /// Nothing more comes, apart from marks, as far as can be told without waiting for a timer.
    pub async fn silence(&mut self) {
        let quiet = std::time::Duration::from_millis(500);
        if let Ok(frame) = tokio::time::timeout(quiet, self.frame()).await {
            panic!("silence, not {frame:?}");
        }
    }
}

/// A runtime under test.
pub struct Running {
    pub net: Net,
    pub control: mpsc::Sender<Control>,
    pub report: Arc<Report>,
    pub memory: Memory,
    pub clock: VirtualClock,
    pub task: JoinHandle<Result<(), RunError>>,
    pub published: broadcast::Receiver<annex_daemon::runtime::Published>,
}

/// Settings of a runtime under test.
#[derive(Clone)]
pub struct Setup {
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub buffer: usize,
    pub memory: Memory,
    /// Where the store is; none: in memory.
    pub disk: Option<std::path::PathBuf>,
    pub trace: Option<std::path::PathBuf>,
    /// The component's section, as a trace has it.
    pub section: serde_json::Value,
    pub home: Option<Jid>,
    /// Reached over the system's network; none: in memory.
    pub server: Option<Server>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            buffer: 64 << 10,
            memory: Memory::new(),
            disk: None,
            trace: None,
            section: serde_json::json!({}),
            home: None,
            server: None,
        }
    }
}

impl Setup {
    pub fn start(self, machine: impl Machine + Send + 'static) -> Running {
        let (dialed, dialled) = mpsc::unbounded_channel();
        let failures = Arc::<Mutex<Vec<Failure>>>::default();
        let clock = VirtualClock::new(WALL);
        let wires = Wires { dialed, failures: failures.clone(), buffer: self.buffer };
        let dial: Box<dyn Dial> = match &self.server {
            Some(_) => Box::new(Network),
            None => Box::new(wires),
        };
        let surroundings = Surroundings { clock: Box::new(clock.clone()), dial };
        let (publish, published) = broadcast::channel(64);
        let settings = DomainSettings {
            link: LinkConfig {
                jid: jid(DOMAIN),
                secret: SecretString::from(SECRET),
                server: self
                    .server
                    .unwrap_or_else(|| Server::Tcp { host: "127.0.0.1".into(), port: 5347 }),
                home: self.home,
                foreign_from: false,
                timeouts: self.timeouts,
            },
            limits: self.limits,
            space: None,
            trace: self.trace.map(|path| Tracing {
                path,
                common: annex_testkit::common(DOMAIN),
                section: self.section,
            }),
            publish,
            orders: None,
        };
        let (control, orders) = mpsc::channel(64);
        let report = Arc::new(Report::default());
        let storage = match &self.disk {
            None => Storage::memory(&self.memory, schema()),
            Some(path) => {
                let config = annex_store::Config::new(path, schema());
                Storage::open(config).expect("a store")
            }
        };
        let task = tokio::spawn(run_with(
            machine,
            storage,
            settings,
            orders,
            report.clone(),
            surroundings,
        ));
        let net = Net { dialed: dialled, failures };
        Running { net, control, report, memory: self.memory, clock, task, published }
    }
}

impl Running {
    pub async fn order(&self, order: Control) {
        assert!(self.control.send(order).await.is_ok(), "the runtime has ended");
    }

    pub async fn status(&self) -> Status {
        let (reply, status) = oneshot::channel();
        self.order(Control::Status { reply }).await;
        status.await.expect("a status")
    }

    pub async fn stop(self) {
        self.order(Control::Shutdown { last: false }).await;
        self.task.await.expect("no panic").expect("a good end");
    }
}

/// Lets every task that can run do so, without time passing.
pub async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

/// Answers each message with its own body, from the address it was sent to.
pub fn echo(input: Input, turn: &mut Turn<'_>) {
    use annex_stanza::{Kind, MessageType, Outgoing};
    if let Input::Stanza(stanza) = input
        && matches!(stanza.kind, Kind::Message(_))
    {
        let answer =
            Outgoing::message(MessageType::Chat, &stanza.to).payload(stanza.payload.bytes());
        turn.send(&answer, &stanza.from);
    }
}

pub fn message(from: &str, to: &str, body: &str) -> String {
    format!("<message from='{from}' to='{to}' type='groupchat'><body>{body}</body></message>")
}

/// What is logged, from a level on.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn begin(level: Level) -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(level)
            .with_writer(move || writer.clone())
            .finish();
        (log, set_default(subscriber))
    }

    /// The lines since the last time.
    pub fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().expect("lock"));
        String::from_utf8(bytes).expect("text").lines().map(Into::into).collect()
    }
}
