//! Connections: bounded in number, and none may be slow about what it asks.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore, time};

/// At the same time; further ones wait to be accepted. A process without systemd has 1024 files.
const CONNECTIONS: usize = 512;
/// Of these, listeners to events, which stay: the others are for metrics and health.
pub(super) const LISTENERS: usize = 384;
/// For a request's head, and again for its body and the answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Serves until it is dropped.
pub(super) async fn serve(listener: TcpListener, router: Router, patience: Duration) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // It is never closed.
        let Ok(place) = room.clone().acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "HTTP cannot accept");
                time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(patience)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            // Whoever hangs up or speaks something else has nothing to be told.
            let _ = connection.await;
            drop(place);
        });
    }
}

/// A body that trickles in, or an answer that never comes, ends here. What streams has begun by
/// then.
pub(super) async fn hurry(patience: Duration, request: Request, next: Next) -> Response {
    let answer = time::timeout(patience, next.run(request)).await;
    answer.unwrap_or_else(|_| StatusCode::REQUEST_TIMEOUT.into_response())
}
