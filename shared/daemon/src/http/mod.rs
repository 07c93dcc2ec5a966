//! HTTP: metrics, `/live`, `/ready`, and the routes that a component declares.
//!
//! A request to a component's route is an input of its machine. For a route declared `SSE` or `WS`
//! the machine is asked first, with that word as the method: an answer of 200 lets the listener in
//! (its body, if there is one, is the first event), any other answer is what the listener gets. So
//! rights are judged in one place.

mod connections;
mod listeners;
mod numbers;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use annex_service::effect::Response as Answer;
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodFilter, MethodRouter, get, on},
};
use futures_util::future::join_all;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::{
    net::TcpListener,
    sync::{Semaphore, oneshot},
};

use self::connections::PATIENCE;
use crate::{
    handle::{DomainHandle, ProcessHandle},
    runtime::Control,
    state::{asked, trouble},
};

/// The address that is listened on, if one is.
pub(crate) struct Http(Option<(TcpListener, PrometheusHandle)>);

/// What every handler knows.
#[derive(Clone)]
struct Context {
    process: ProcessHandle,
    metrics: PrometheusHandle,
    /// For those who listen to events.
    places: Arc<Semaphore>,
}

/// Times in seconds that are told apart.
const BUCKETS: [f64; 12] =
    [0.000_1, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0];
/// The same for the handling of one input.
const HANDLING: [f64; 9] = [0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.1, 1.0];

impl Http {
    /// Listens. Metrics are only collected where somebody may read them.
    pub(crate) async fn bind(listen: Option<SocketAddr>) -> Result<Self, String> {
        let Some(address) = listen else { return Ok(Self(None)) };
        let listener = TcpListener::bind(address).await.map_err(|error| {
            format!("metrics.listen: {address}: {error}; choose another address or port")
        })?;
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
            .and_then(|builder| {
                let handling = Matcher::Full("annex_handle_seconds".into());
                builder.set_buckets_for_metric(handling, &HANDLING)
            })
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
        let router = router(process, metrics, limit, PATIENCE);
        tokio::spawn(connections::serve(listener, router, PATIENCE));
    }
}

fn router(
    process: ProcessHandle,
    metrics: PrometheusHandle,
    limit: usize,
    patience: Duration,
) -> Router {
    let routes = process.routes;
    let mut router = Router::new()
        .route("/metrics", get(numbers::render))
        .route("/live", get(live))
        .route("/ready", get(ready));
    for route in routes {
        let handler: MethodRouter<Context> = match route.method {
            "SSE" => get(listeners::events),
            "WS" => get(listeners::socket),
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
    let hurry =
        middleware::from_fn(move |request, next| connections::hurry(patience, request, next));
    let places = Arc::new(Semaphore::new(connections::LISTENERS));
    router.layer(DefaultBodyLimit::max(limit)).layer(hurry).with_state(Context {
        process,
        metrics,
        places,
    })
}

/// Every core answers: what does not is to be restarted.
async fn live(State(context): State<Context>) -> Response {
    let domains = context.process.domains.iter();
    let answers = join_all(domains.map(async |domain| (domain, asked(domain).await))).await;
    let stuck = answers.into_iter().filter(|(_, answer)| answer.is_none());
    let stuck: Vec<String> =
        stuck.map(|(domain, _)| format!("{} does not answer\n", domain.jid)).collect();
    healthy("live\n", &stuck)
}

/// Every domain is connected, and its component can work.
async fn ready(State(context): State<Context>) -> Response {
    let domains = context.process.domains.iter();
    let answers = join_all(domains.map(async |domain| (domain, asked(domain).await))).await;
    let away = answers.iter().filter_map(|(domain, answer)| {
        let trouble = match answer {
            _ if !domain.report.online() => "is not connected",
            None => "does not answer",
            Some(status) => trouble(status)?,
        };
        Some(format!("{} {trouble}\n", domain.jid))
    });
    healthy("ready\n", &away.collect::<Vec<_>>())
}

fn healthy(word: &'static str, troubles: &[String]) -> Response {
    if troubles.is_empty() {
        word.into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, troubles.concat()).into_response()
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

#[cfg(test)]
mod tests;
