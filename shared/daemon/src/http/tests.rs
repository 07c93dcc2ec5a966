use std::{net::SocketAddr, sync::Arc};

use annex_service::service::Service;
use annex_store::Memory;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{broadcast, mpsc},
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
async fn served(patience: Duration, runs: bool) -> SocketAddr {
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
        orders: None,
    };
    let machine = Service::<Probe>::new(domain.common.clone(), &domain.section);
    if runs {
        tokio::task::spawn_local(runtime::run(machine, storage, settings, commands, report));
    }
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
    let router = router(process, metrics, 1024, patience);
    tokio::spawn(connections::serve(listener, router, patience));
    address
}

async fn test(act: impl AsyncFnOnce(SocketAddr)) {
    LocalSet::new().run_until(async { act(served(PATIENCE, true).await).await }).await;
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

#[tokio::test]
async fn a_core_that_does_not_answer_is_not_live() {
    LocalSet::new()
        .run_until(async {
            let address = served(PATIENCE, false).await;
            let mut stream = ask(address, "GET /live HTTP/1.1", "").await;
            let answer = until(&mut stream, "does not answer").await;
            assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        })
        .await;
}

#[tokio::test]
async fn who_is_slow_about_a_request_is_left() {
    LocalSet::new()
        .run_until(async {
            let address = served(Duration::from_millis(100), true).await;
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.write_all(b"GET /live HTTP/1.1\r\nHost:").await.expect("half a head");
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).await.expect("its end");
            let head =
                format!("POST /v1/things/7 HTTP/1.1{TOKEN}\r\nContent-Length: 9\r\n\r\nhalf");
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.write_all(head.as_bytes()).await.expect("half a body");
            assert!(until(&mut stream, "\r\n\r\n").await.starts_with("HTTP/1.1 408"));
        })
        .await;
}

#[tokio::test]
async fn what_is_not_http_ends_its_own_connection_only() {
    test(async |address| {
        for garbage in [&b"\x16\x03\x01\xff\xff\r\n\r\n"[..], b"GET / HTTP/9.9\r\n\r\n"] {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.write_all(garbage).await.expect("garbage");
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).await.expect("its end");
        }
        let mut stream = ask(address, "GET /live HTTP/1.1", "").await;
        until(&mut stream, "live\n").await;
    })
    .await;
}

#[tokio::test]
async fn listeners_never_take_all_connections() {
    test(async |address| {
        let mut listening = Vec::new();
        for _ in 0..connections::LISTENERS {
            let mut one =
                ask(address, &format!("GET /v1/things/7/events HTTP/1.1{TOKEN}"), "").await;
            until(&mut one, "data: first").await;
            listening.push(one);
        }
        let mut one = ask(address, &format!("GET /v1/things/7/events HTTP/1.1{TOKEN}"), "").await;
        assert!(until(&mut one, "too many").await.starts_with("HTTP/1.1 503"));
        let mut stream = ask(address, "GET /live HTTP/1.1", "").await;
        until(&mut stream, "live\n").await;
    })
    .await;
}
