//! HTTP: metrics, `/live`, `/ready`, and the routes that a component declares.
//!
//! A request to a component's route is an input of its machine. For a route declared `SSE` or `WS`
//! the machine is asked first, with that word as the method: an answer of 200 lets the listener in
//! (its body, if there is one, is the first event), any other answer is what the listener gets. So
//! rights are judged in one place.

use std::{convert::Infallible, net::SocketAddr};

use annex_service::effect::Response as Answer;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{
        DefaultBodyLimit, Request, State, WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::{MethodFilter, MethodRouter, get, on},
};
use futures_util::{Stream, stream};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{
    net::TcpListener,
    sync::{broadcast, oneshot},
};

use crate::{
    handle::{DomainHandle, ProcessHandle},
    runtime::{Control, Numbers, Published},
};

/// The address that is listened on, if one is.
pub(crate) struct Http(Option<(TcpListener, PrometheusHandle)>);

/// What every handler knows.
#[derive(Clone)]
struct Context {
    process: ProcessHandle,
    metrics: PrometheusHandle,
}

/// Times in seconds that are told apart.
const BUCKETS: [f64; 12] =
    [0.000_1, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];

impl Http {
    /// Listens. Metrics are only collected where somebody may read them.
    pub(crate) async fn bind(listen: Option<SocketAddr>) -> Result<Self, String> {
        let Some(address) = listen else { return Ok(Self(None)) };
        let listener = TcpListener::bind(address).await.map_err(|error| {
            format!("metrics.listen: {address}: {error}; choose another address or port")
        })?;
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
            .map_err(|error| error.to_string())?
            .build_recorder();
        let metrics = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|error| error.to_string())?;
        Ok(Self(Some((listener, metrics))))
    }

    /// Serves until the process ends; bodies of requests are bounded to so many bytes.
    pub(crate) fn serve(self, process: ProcessHandle, limit: usize) {
        let Some((listener, metrics)) = self.0 else { return };
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, "metrics, /live and /ready");
        }
        let router = router(process, metrics, limit);
        tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "HTTP is served no longer");
            }
        });
    }
}

fn router(process: ProcessHandle, metrics: PrometheusHandle, limit: usize) -> Router {
    let routes = process.routes;
    let mut router = Router::new()
        .route("/metrics", get(render))
        .route("/live", get(async || "live\n"))
        .route("/ready", get(ready));
    for route in routes {
        let handler: MethodRouter<Context> = match route.method {
            "SSE" => get(events),
            "WS" => get(socket),
            method => match Method::from_bytes(method.as_bytes())
                .ok()
                .and_then(|method| MethodFilter::try_from(method).ok())
            {
                Some(filter) => on(filter, forward),
                None => continue,
            },
        };
        router = router.route(route.path, handler);
    }
    router.layer(DefaultBodyLimit::max(limit)).with_state(Context { process, metrics })
}

async fn render(State(context): State<Context>) -> Response {
    for domain in context.process.domains.iter() {
        publish_numbers(domain);
    }
    metrics::gauge!("annex_build_info", "version" => context.process.version, "component" => context.process.program)
        .set(1.0);
    process_numbers();
    context.metrics.run_upkeep();
    let format = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (format, context.metrics.render()).into_response()
}

/// A domain's numbers. Its own address is its label; no other address ever is one.
fn publish_numbers(domain: &DomainHandle) {
    let numbers = domain.report.numbers();
    let Numbers {
        turns,
        stanzas_in,
        stanzas_out,
        bytes_in,
        bytes_out,
        inbox,
        outbox,
        backlog,
        commits,
        commit_lag,
        reconnects,
        refused,
        gate,
        calls,
        ..
    } = numbers;
    let name = || domain.jid.clone();
    let gauge = |metric: &'static str, value: u64| {
        // Precision beyond 2^53 bytes is of no use to anybody.
        #[allow(clippy::cast_precision_loss)]
        metrics::gauge!(metric, "domain" => name()).set(value as f64);
    };
    let counter = |metric: &'static str, value: u64| {
        metrics::counter!(metric, "domain" => name()).absolute(value);
    };
    gauge("annex_connected", u64::from(domain.report.online()));
    gauge("annex_space_low", u64::from(domain.report.space_low()));
    gauge("annex_inbox_bytes", inbox);
    gauge("annex_outbox_bytes", outbox);
    gauge("annex_backlog_bytes", backlog);
    gauge("annex_commits_bytes", commits);
    gauge("annex_calls", calls);
    let inspect = domain.store.inspect();
    gauge("annex_store_bytes", inspect.file_bytes);
    gauge("annex_store_live_bytes", inspect.live_bytes);
    #[allow(clippy::cast_precision_loss)]
    metrics::gauge!("annex_store_commit_lag_seconds", "domain" => name())
        .set(commit_lag as f64 / 1e6);
    counter("annex_turns_total", turns);
    counter("annex_disconnects_total", reconnects);
    counter("annex_stanzas_dropped_total", refused);
    counter("annex_gate_stopped_total", gate);
    counter("annex_store_flushes_total", inspect.flushes);
    for (direction, stanzas, bytes) in
        [("in", stanzas_in, bytes_in), ("out", stanzas_out, bytes_out)]
    {
        metrics::counter!("annex_stanzas_total", "domain" => name(), "direction" => direction)
            .absolute(stanzas);
        metrics::counter!("annex_bytes_total", "domain" => name(), "direction" => direction)
            .absolute(bytes);
    }
}

/// Memory and processor time of the process.
fn process_numbers() {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return };
    let resident = text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u32>().ok());
    if let (Some(pages), Ok(page)) = (resident, u32::try_from(rustix::param::page_size())) {
        metrics::gauge!("process_resident_memory_bytes").set(f64::from(pages) * f64::from(page));
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    #[allow(clippy::cast_precision_loss)]
    metrics::gauge!("process_cpu_seconds_total")
        .set(time.tv_sec as f64 + time.tv_nsec as f64 / 1e9);
}

async fn ready(State(context): State<Context>) -> Response {
    let away: Vec<String> = context
        .process
        .domains
        .iter()
        .filter(|domain| !domain.report.online())
        .map(|domain| format!("{} is not connected\n", domain.jid))
        .collect();
    if away.is_empty() {
        "ready\n".into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, away.concat()).into_response()
    }
}

async fn forward(
    State(context): State<Context>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match ask(&context, method.as_str(), &uri, &headers, body).await {
        Ok(answer) => respond(answer),
        Err(status) => status.into_response(),
    }
}

/// The machine's answer.
async fn ask(
    context: &Context,
    method: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Answer, StatusCode> {
    let domain = domain(context, headers).ok_or(StatusCode::NOT_FOUND)?;
    let (reply, answer) = oneshot::channel();
    let lines = headers.iter().filter_map(|(name, value)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    });
    let request = Control::Request {
        method: method.to_owned(),
        path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        headers: lines.collect(),
        body,
        reply,
    };
    domain.control.send(request).await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    answer.await.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}

/// The domain that the request's `Host` names; otherwise the main one.
fn domain<'a>(context: &'a Context, headers: &HeaderMap) -> Option<&'a DomainHandle> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    context.process.domain(Some(host)).or_else(|| context.process.domain(None))
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    if !answer.content_type.is_empty() {
        response = response.header(header::CONTENT_TYPE, answer.content_type);
    }
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response
        .body(Body::from(answer.body))
        .unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// Lets a listener in, or not: its events, and the first one.
async fn listen(
    context: &Context,
    word: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(broadcast::Receiver<Published>, Bytes), Response> {
    let domain = domain(context, headers).ok_or_else(|| StatusCode::NOT_FOUND.into_response())?;
    // Before the machine is asked: nothing that happens after its answer may be missed.
    let events = domain.events.subscribe();
    match ask(context, word, uri, headers, Bytes::new()).await {
        Ok(answer) if answer.status == 200 => Ok((events, answer.body)),
        Ok(answer) => Err(respond(answer)),
        Err(status) => Err(status.into_response()),
    }
}

/// The events of one topic from now on. A listener that falls too far behind is cut off, and comes
/// back.
fn topic(
    first: Bytes,
    events: broadcast::Receiver<Published>,
    topic: String,
) -> impl Stream<Item = Bytes> + Send {
    let first = (!first.is_empty()).then_some(first);
    stream::unfold((first, events, topic), |(first, mut events, topic)| async move {
        if let Some(first) = first {
            return Some((first, (None, events, topic)));
        }
        loop {
            match events.recv().await {
                Ok(published) if *published.topic == *topic => {
                    return Some((published.event, (None, events, topic)));
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    })
}

async fn events(State(context): State<Context>, uri: Uri, headers: HeaderMap) -> Response {
    let (events, first) = match listen(&context, "SSE", &uri, &headers).await {
        Ok(listening) => listening,
        Err(response) => return response,
    };
    let topic = topic(first, events, uri.path().to_owned());
    let events = futures_util::StreamExt::map(topic, |event| {
        Ok::<_, Infallible>(Event::default().data(String::from_utf8_lossy(&event)))
    });
    Sse::new(events).keep_alive(KeepAlive::default()).into_response()
}

async fn socket(
    State(context): State<Context>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
    _request: Request,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    match listen(&context, "WS", &uri, &headers).await {
        Ok((events, first)) => {
            let topic = topic(first, events, uri.path().to_owned());
            upgrade.max_message_size(1024).on_upgrade(move |socket| push(socket, topic))
        }
        Err(response) => response,
    }
}

/// Sends events until either side ends; what the listener says is not heard.
async fn push(mut socket: WebSocket, topic: impl Stream<Item = Bytes>) {
    let mut topic = std::pin::pin!(topic);
    loop {
        tokio::select! {
            event = futures_util::StreamExt::next(&mut topic) => match event {
                Some(event) => {
                    let text = String::from_utf8_lossy(&event).into_owned();
                    if socket.send(Message::Text(text.into())).await.is_err() {
                        return;
                    }
                }
                None => return,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {}
            },
        }
    }
}

#[cfg(test)]
mod tests;
