//! Outside calls and served requests, proven by a component that makes and serves them.

mod common;

use std::time::Duration;

use annex_daemon::runtime::{Control, Limits};
use annex_service::{
    effect::{Call, CallResult, Effect, Response},
    input::Input,
    turn::Turn,
};
use annex_stanza::{MessageType, Outgoing};
use bytes::Bytes;
use common::{DOMAIN, Running, Script, Setup, TABLE, jid, message};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixListener},
    sync::oneshot,
};

/// Makes the given calls when it starts, and tells what came of them as `id: outcome`.
fn caller(calls: Vec<Call>) -> impl FnMut(Input, &mut Turn<'_>) + Send + 'static {
    let mut calls = Some(calls);
    move |input, turn| match input {
        Input::Online { .. } => {
            for (id, call) in calls.take().into_iter().flatten().enumerate() {
                turn.emit(Effect::Call { id: id as u64, call });
            }
        }
        Input::Done { id, result } => {
            let outcome = match result {
                CallResult::Done { status, body, .. } => {
                    format!("{status} {}", String::from_utf8_lossy(&body))
                }
                CallResult::Failed(why) => format!("failed: {why}"),
                CallResult::TimedOut => "timed out".into(),
                CallResult::Busy => "busy".into(),
            };
            let note = Outgoing::message(MessageType::Chat, &jid(DOMAIN)).id(id.to_string());
            let mut xml = annex_stanza::Xml::new();
            xml.text_element("body", None, &outcome);
            turn.send(&note.payload(&xml.finish()), &jid("a@x"));
        }
        _ => {}
    }
}

async fn outcomes(setup: Setup, calls: Vec<Call>) -> Vec<String> {
    let count = calls.len();
    let mut running = setup.start(Script(caller(calls)));
    let mut server = running.net.accept().await;
    let mut outcomes = vec![String::new(); count];
    for _ in 0..count {
        let note = server.stanza().await;
        let id: usize = note.id.expect("id").parse().expect("number");
        outcomes[id] = note.payload.text("jabber:client", "body").expect("body");
    }
    running.task.abort();
    outcomes
}

fn child(argv: &[&str], stdin: &str) -> Call {
    Call::Child {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        stdin: Bytes::copy_from_slice(stdin.as_bytes()),
        timeout: Duration::from_secs(10),
    }
}

#[tokio::test]
async fn a_child_is_fed_read_bounded_and_killed() {
    let limits = Limits { call_bytes: 1000, ..Limits::default() };
    let slow = Call::Child {
        argv: vec!["sleep".into(), "1000".into()],
        stdin: Bytes::new(),
        timeout: Duration::from_millis(50),
    };
    let calls = vec![
        child(&["cat"], "to the child and back"),
        child(&["false"], ""),
        child(&["yes"], ""),
        child(&["/no/such/program"], ""),
        slow,
    ];
    let outcomes = outcomes(Setup { limits, ..Setup::default() }, calls).await;
    assert_eq!(outcomes[0], "0 to the child and back");
    assert_eq!(outcomes[1], "1 ");
    assert_eq!(outcomes[2], "failed: the answer is longer than 1000 bytes");
    assert!(outcomes[3].contains("No such file"), "{}", outcomes[3]);
    assert_eq!(outcomes[4], "timed out");
}

#[tokio::test]
async fn files_are_replaced_whole_and_sockets_spoken_to() {
    let directory = tempfile::tempdir().expect("directory");
    let path = |name: &str| directory.path().join(name).display().to_string();
    std::fs::write(path("old"), "old content").expect("file");
    let listener = UnixListener::bind(path("socket")).expect("socket");
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("connection");
        let mut question = String::new();
        stream.read_to_string(&mut question).await.expect("question");
        stream.write_all(format!("{question}!").as_bytes()).await.expect("answer");
    });
    let calls = vec![
        Call::ReadFile { path: path("old") },
        Call::WriteFile { path: path("new"), content: Bytes::from("new content") },
        Call::ReadFile { path: path("none") },
        Call::UnixSocket {
            path: path("socket"),
            send: Bytes::from("hello"),
            timeout: Duration::from_secs(10),
        },
    ];
    let outcomes = outcomes(Setup::default(), calls).await;
    assert_eq!(outcomes[0], "0 old content");
    assert_eq!(outcomes[1], "0 ");
    assert!(outcomes[2].starts_with("failed"), "{}", outcomes[2]);
    assert_eq!(outcomes[3], "0 hello!");
    answering.await.expect("answered");
    assert_eq!(std::fs::read_to_string(path("new")).expect("file"), "new content");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(path("new")).expect("file").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn http_is_called_with_headers_and_body() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let port = listener.local_addr().expect("address").port();
    let answering = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("connection");
        let mut request = Vec::new();
        let mut bytes = [0; 4096];
        while !request.ends_with(b"the body") {
            let count = stream.read(&mut bytes).await.expect("request");
            request.extend_from_slice(&bytes[..count]);
        }
        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 4\r\nx-test: yes\r\n\r\ndone";
        stream.write_all(answer).await.expect("answer");
        String::from_utf8(request).expect("text")
    });
    let call = |url: String| Call::Http {
        method: "POST".into(),
        url,
        headers: vec![("authorization".into(), "Bearer t".into())],
        body: Bytes::from("the body"),
        timeout: Duration::from_secs(10),
    };
    let calls = vec![
        call(format!("http://127.0.0.1:{port}/hook?a=1")),
        call("https://127.0.0.1/".into()),
        call("no address".into()),
    ];
    let outcomes = outcomes(Setup::default(), calls).await;
    assert_eq!(outcomes[0], "201 done");
    assert_eq!(outcomes[1], "failed: only http: addresses can be called");
    assert!(outcomes[2].starts_with("failed"), "{}", outcomes[2]);
    let request = answering.await.expect("request");
    assert!(request.starts_with("POST /hook?a=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer t\r\n"), "{request}");
    assert!(request.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{request}");
}

#[tokio::test]
async fn calls_are_bounded_in_number() {
    let limits = Limits { calls: 2, ..Limits::default() };
    let calls = (0..5).map(|_| child(&["cat"], "x")).collect();
    let outcomes = outcomes(Setup { limits, ..Setup::default() }, calls).await;
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "busy").count(), 3);
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "0 x").count(), 2);
}

/// Serves requests and commands, keeps each, and publishes what it kept.
fn server(input: Input, turn: &mut Turn<'_>) {
    match input {
        Input::Request { token, method, path, body, .. } => {
            turn.put(TABLE, path.clone().into_bytes(), body.clone());
            turn.emit(Effect::Publish { topic: "/events".into(), event: body });
            let answer = serde_json::json!({ "method": method, "path": path });
            turn.emit(Effect::Respond { token, response: Response::json(201, &answer) });
        }
        Input::Command { token, verb, arguments, actor } => {
            let answer =
                serde_json::json!({ "verb": verb, "arguments": arguments, "actor": actor });
            turn.emit(Effect::Respond { token, response: Response::json(200, &answer) });
        }
        _ => {}
    }
}

async fn request(running: &Running, body: &'static str) -> oneshot::Receiver<Response> {
    let (reply, answer) = oneshot::channel();
    let order = Control::Request {
        method: "POST".into(),
        path: "/v1/things".into(),
        headers: Vec::new(),
        body: Bytes::from(body),
        reply,
    };
    running.order(order).await;
    answer
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_after_its_commit_also_while_the_server_is_away() {
    let mut running = Setup::default().start(Script(server));
    running.memory.hold();
    let mut answer = request(&running, "one").await;
    common::settle().await;
    assert!(answer.try_recv().is_err(), "it is not on disk");
    assert!(running.published.try_recv().is_err());
    running.memory.release();
    let response = answer.await.expect("an answer");
    assert_eq!(response.status, 201);
    assert_eq!(running.published.recv().await.expect("event").event, "one");
    let (reply, answer) = oneshot::channel();
    running
        .order(Control::Command {
            verb: "rooms list".into(),
            arguments: serde_json::json!({ "a": 1 }),
            actor: "root".into(),
            reply,
        })
        .await;
    let answer = answer.await.expect("an answer");
    assert!(std::str::from_utf8(&answer.body).expect("text").contains("rooms list"));
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_are_bounded() {
    let limits = Limits { requests: 2, ..Limits::default() };
    let running = Setup { limits, ..Setup::default() }.start(Script(server));
    running.memory.hold();
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(request(&running, "x").await);
    }
    let third = waiting.pop().expect("three").await.expect("an answer");
    assert_eq!(third.status, 503);
    // Who gives up makes room.
    drop(waiting.pop());
    let fourth = request(&running, "x").await;
    common::settle().await;
    running.memory.release();
    assert_eq!(fourth.await.expect("an answer").status, 201);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn stanzas_are_handled_while_a_call_is_under_way() {
    let machine = |input: Input, turn: &mut Turn<'_>| match input {
        Input::Online { .. } => {
            let call = Call::UnixSocket {
                path: "/dev/null/none".into(),
                send: Bytes::new(),
                timeout: Duration::from_secs(1),
            };
            turn.emit(Effect::Call { id: 1, call });
        }
        other => common::echo(other, turn),
    };
    let mut running = Setup::default().start(Script(machine));
    let mut server = running.net.accept().await;
    server.send(&message("a@x/r", DOMAIN, "hello")).await;
    assert_eq!(server.payload().await, "<body>hello</body>");
    running.stop().await;
}
