//! Routes declared `SSE` and `WS`: events of one topic, to listeners that the machine lets in.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{
        Request, State, WebSocketUpgrade,
        ws::{Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, StatusCode, Uri},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use futures_util::{Stream, stream};
use tokio::sync::{OwnedSemaphorePermit, broadcast};

use super::{Context, ask, domain, respond};
use crate::runtime::Published;

/// What a listener hears, and the place it takes.
struct Events {
    events: broadcast::Receiver<Published>,
    _place: OwnedSemaphorePermit,
}

/// Lets a listener in, or not: its events, and the first one.
async fn listen(
    context: &Context,
    word: &str,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(Events, Bytes), Response> {
    let Ok(place) = context.places.clone().try_acquire_owned() else {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "too many listen already\n").into_response());
    };
    let domain = domain(context, headers).ok_or_else(|| StatusCode::NOT_FOUND.into_response())?;
    // Before the machine is asked: nothing that happens after its answer may be missed.
    let events = domain.events.subscribe();
    match ask(context, word, uri, headers, Bytes::new()).await {
        Ok(answer) if answer.status == 200 => Ok((Events { events, _place: place }, answer.body)),
        Ok(answer) => Err(respond(answer)),
        Err(status) => Err(status.into_response()),
    }
}

/// The events of one topic from now on. A listener that falls too far behind is cut off, and comes
/// back.
fn topic(first: Bytes, events: Events, topic: String) -> impl Stream<Item = Bytes> + Send {
    let first = (!first.is_empty()).then_some(first);
    stream::unfold((first, events, topic), |(first, mut events, topic)| async move {
        if let Some(first) = first {
            return Some((first, (None, events, topic)));
        }
        loop {
            match events.events.recv().await {
                Ok(published) if *published.topic == *topic => {
                    return Some((published.event, (None, events, topic)));
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    })
}

pub(super) async fn events(
    State(context): State<Context>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
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

pub(super) async fn socket(
    State(context): State<Context>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
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
