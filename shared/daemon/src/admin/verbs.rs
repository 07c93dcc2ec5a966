//! What the admin socket can be asked: the process's own verbs here, all others of the machine.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use annex_service::effect::{Order, Response};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Reply, Request};
use crate::{
    handle::DomainHandle,
    runtime::{self, Control, ProcessOrder},
    state::State,
};

/// Files that were written for whoever is at the other end to take away. Those that were not taken
/// are removed when the line ends.
#[derive(Default)]
pub(super) struct Written(Vec<PathBuf>);

impl Drop for Written {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}

pub(super) async fn answer(
    request: Request,
    actor: &str,
    state: &Rc<State>,
    written: &mut Written,
) -> Reply {
    let arguments = &request.arguments;
    match request.verb.as_str() {
        "hello" => {
            Reply::ok(json!({ "program": state.program.name, "version": state.program.version }))
        }
        "status" => match request.domain.as_deref().map(|name| state.domain(Some(name))) {
            Some(Err(sentence)) => Reply::error(404, sentence),
            _ => Reply::ok(state.status(request.domain.as_deref()).await),
        },
        "stop" => {
            let last = arguments["final"].as_bool().unwrap_or(false);
            tracing::info!(actor, last, "asked to stop");
            // Before it is done: afterwards nobody is there to write it down.
            for domain in state.handle.domains.iter() {
                note(domain, &request, actor);
            }
            let sent = state.handle.orders.send(ProcessOrder::Stop { last }).await;
            sent.map_or_else(|_| gone(), |()| Reply::ok(json!({ "note": "stopping" })))
        }
        verb => match state.domain(request.domain.as_deref()) {
            Err(sentence) => Reply::error(404, sentence),
            Ok((domain, store)) => match verb {
                "backup" | "export" | "reconnect" | "reload" | "log-level" => {
                    let reply = match verb {
                        "reconnect" => reconnect(domain, actor).await,
                        "reload" => ordered(Order::Reload, state).await,
                        "log-level" => {
                            let level = arguments["level"].as_str().unwrap_or_default();
                            ordered(Order::LogLevel(level.to_owned()), state).await
                        }
                        // The same, for another purpose.
                        _ => backup(domain, store, arguments, written).await,
                    };
                    if reply.is_ok() {
                        note(domain, &request, actor);
                    }
                    reply
                }
                _ => command(domain, &request, actor).await,
            },
        },
    }
}

fn gone() -> Reply {
    Reply::error(503, "the process is stopping")
}

async fn reconnect(domain: &DomainHandle, actor: &str) -> Reply {
    tracing::info!(actor, "asked to reconnect");
    let sent = domain.control.send(Control::Reconnect).await;
    sent.map_or_else(|_| gone(), |()| Reply::ok(json!({ "note": "reconnecting" })))
}

async fn ordered(order: Order, state: &State) -> Reply {
    match runtime::process(order, Some(state.handle.orders.clone())).await {
        Ok(note) => Reply::ok(json!({ "note": note })),
        Err(why) => Reply::error(400, why),
    }
}

/// Written to `file`, or into the store's directory, where this process may surely write; the
/// answer says where.
async fn backup(
    domain: &DomainHandle,
    store: &Path,
    arguments: &Value,
    written: &mut Written,
) -> Reply {
    let path = match arguments["file"].as_str() {
        Some(file) => PathBuf::from(file),
        None => {
            // Two at the same time do not share a file.
            static NUMBER: AtomicU64 = AtomicU64::new(0);
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = store.join(format!("backup-{}-{number}.partial", std::process::id()));
            written.0.push(path.clone());
            path
        }
    };
    if !path.is_absolute() {
        return Reply::error(400, "file: expected an absolute path");
    }
    let (reply, answer) = oneshot::channel();
    if domain.control.send(Control::Backup { path: path.clone(), reply }).await.is_err() {
        return gone();
    }
    match answer.await {
        Ok(Ok(())) => Reply::ok(json!({ "note": "written", "file": path })),
        Ok(Err(why)) => Reply::error(500, why),
        Err(_) => gone(),
    }
}

/// For the audit log, which has what was done. Nobody waits for it: what is asked for helps also
/// where the machine is stuck.
fn note(domain: &DomainHandle, request: &Request, actor: &str) {
    let _ = domain.control.try_send(order(request, actor, oneshot::channel().0));
}

fn order(request: &Request, actor: &str, reply: oneshot::Sender<Response>) -> Control {
    Control::Command {
        verb: request.verb.clone(),
        arguments: request.arguments.clone(),
        actor: actor.to_owned(),
        reply,
    }
}

async fn command(domain: &DomainHandle, request: &Request, actor: &str) -> Reply {
    let (reply, answer) = oneshot::channel();
    if domain.control.send(order(request, actor, reply)).await.is_err() {
        return gone();
    }
    let answer = tokio::select! {
        answer = answer => answer,
        () = stuck(domain) => return Reply::error(
            503,
            "the server does not take our output; this waits, and is done when it does again",
        ),
    };
    match answer {
        Ok(response) => {
            let text = || Value::String(String::from_utf8_lossy(&response.body).into_owned());
            let body = serde_json::from_slice(&response.body).unwrap_or_else(|_| text());
            Reply { status: response.status, body }
        }
        Err(_) => Reply::error(503, "too much is under way; try again"),
    }
}

/// Returns when nothing has been handled for a while.
async fn stuck(domain: &DomainHandle) {
    let mut seconds = 0;
    while seconds < 5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        seconds = if domain.report.stalled() { seconds + 1 } else { 0 };
    }
}
