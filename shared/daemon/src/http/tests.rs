use std::{net::SocketAddr, sync::Arc};

use annex_service::service::Service;
use annex_store::Memory;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::LocalSet,
};

use super::*;
use crate::{
    config::{Config, sources::Sources},
    handle::Pending,
    probe::{self, Probe},
    runtime::{self, DomainSettings, Report, Storage},
};

/// A server with one domain at work behind it, whose server is away.
async fn served() -> SocketAddr {
    let program = probe::program();
    let sources = Sources {
        file: "probe.toml".into(),
        environment: std::collections::BTreeMap::new(),
        overrides: Vec::new(),
    };
    let text = "[component]\njid = \"rooms.example.com\"\nsecret = \"s\"\nport = 1\n";
    let config = Config::read_text(&program, &sources, text).expect("a configuration");
    let domain = &config.domains[0];
    assert_eq!(domain.link.secret.expose_secret(), SecretString::from("s").expose_secret());
    let storage = Storage::memory(&Memory::new(), program.schema());
    let (control, commands) = mpsc::channel(16);
    let (events, _) = broadcast::channel(16);
    let report = Arc::new(Report::default());
    let handle = DomainHandle {
        jid: "rooms.example.com".into(),
        control,
        report: report.clone(),
        events: events.clone(),
        store: storage.store().clone(),
    };
    let settings = DomainSettings {
        link: domain.link.clone(),
        limits: domain.limits,
        space: None,
        trace: None,
        publish: events,
    };
    let machine = Service::<Probe>::new(domain.common.clone(), &domain.section);
    tokio::task::spawn_local(runtime::run(machine, storage, settings, commands, report));
    let process = ProcessHandle {
        program: program.name,
        version: program.version,
        routes: program.http,
        domains: Arc::new([handle]),
        orders: mpsc::channel(1).0,
        restart: Pending::default(),
    };
    let metrics = PrometheusBuilder::new().build_recorder().handle();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = router(process, metrics, 1024);
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn test(act: impl AsyncFnOnce(SocketAddr)) {
    LocalSet::new().run_until(async { act(served().await).await }).await;
}

async fn ask(address: SocketAddr, head: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = format!("{head}\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).await.expect("a request");
    stream
}

/// Reads until this has come.
async fn until(stream: &mut TcpStream, word: &str) -> String {
    let mut heard = String::new();
    let mut buffer = [0; 1024];
    while !heard.contains(word) {
        let bytes = stream.read(&mut buffer).await.expect("an answer");
        assert!(bytes > 0, "it ended: {heard}");
        heard.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
    }
    heard
}

const TOKEN: &str = "\r\nAuthorization: Bearer t";

#[tokio::test]
async fn a_request_is_answered_by_the_machine() {
    test(async |address| {
        let mut stream =
            ask(address, &format!("POST /v1/things/7?x=1 HTTP/1.1{TOKEN}"), "body").await;
        let answer = until(&mut stream, "}").await;
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        assert!(
            answer.contains(&json!({ "path": "/v1/things/7?x=1", "length": 4 }).to_string()),
            "{answer}"
        );
        let mut stream = ask(address, "POST /v1/things/7 HTTP/1.1", "body").await;
        assert!(until(&mut stream, "}").await.starts_with("HTTP/1.1 401"));
    })
    .await;
}

#[tokio::test]
async fn a_body_that_is_too_long_never_reaches_the_machine() {
    test(async |address| {
        let body = "x".repeat(2_000);
        let mut stream = ask(address, &format!("POST /v1/things/7 HTTP/1.1{TOKEN}"), &body).await;
        assert!(until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 413"));
    })
    .await;
}

#[tokio::test]
async fn events_are_heard_by_those_who_may() {
    test(async |address| {
        let mut stranger = ask(address, "GET /v1/things/7/events HTTP/1.1", "").await;
        assert!(until(&mut stranger, "}").await.starts_with("HTTP/1.1 401"));
        let mut listener =
            ask(address, &format!("GET /v1/things/7/events HTTP/1.1{TOKEN}"), "").await;
        let head = until(&mut listener, "data: first").await;
        assert!(head.contains("text/event-stream"), "{head}");
        let mut other =
            ask(address, &format!("POST /v1/things/8 HTTP/1.1{TOKEN}"), "of another").await;
        until(&mut other, "}").await;
        let mut post = ask(address, &format!("POST /v1/things/7 HTTP/1.1{TOKEN}"), "news").await;
        until(&mut post, "}").await;
        let event = until(&mut listener, "data: news").await;
        assert!(!event.contains("of another"), "{event}");
    })
    .await;
}

#[tokio::test]
async fn a_websocket_hears_events_too() {
    const UPGRADE: &str = "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\
        \r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    test(async |address| {
        let head = format!("GET /v1/things/7/socket HTTP/1.1{UPGRADE}");
        let mut stranger = ask(address, &head, "").await;
        assert!(until(&mut stranger, "}").await.starts_with("HTTP/1.1 401"));
        let mut listener = ask(address, &format!("{head}{TOKEN}"), "").await;
        let answer = until(&mut listener, "first").await;
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        let mut post = ask(address, &format!("POST /v1/things/7 HTTP/1.1{TOKEN}"), "news").await;
        until(&mut post, "}").await;
        until(&mut listener, "news").await;
    })
    .await;
}

#[tokio::test]
async fn it_is_live_and_not_ready_while_the_server_is_away() {
    test(async |address| {
        let mut stream = ask(address, "GET /live HTTP/1.1", "").await;
        assert!(until(&mut stream, "live\n").await.starts_with("HTTP/1.1 200"));
        let mut stream = ask(address, "GET /ready HTTP/1.1", "").await;
        let answer = until(&mut stream, "not connected").await;
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    })
    .await;
}
