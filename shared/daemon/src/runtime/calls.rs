//! Outside calls: run beside the core, bounded in number, size and time.

use std::{
    io,
    process::Stdio,
    task::{Context, Poll},
    time::Duration,
};

use annex_service::effect::{Call, CallResult, Order};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Request, Uri, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::{
    fs,
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    process::Command,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

use super::control::ProcessOrder;
use crate::logging;

/// Calls under way.
pub(crate) struct Calls {
    /// Where a process takes orders, where there is one.
    orders: Option<mpsc::Sender<ProcessOrder>>,
    running: JoinSet<(u64, CallResult)>,
}

impl Calls {
    pub(crate) fn new(orders: Option<mpsc::Sender<ProcessOrder>>) -> Self {
        Self { orders, running: JoinSet::new() }
    }

    /// Starts a call; its answer comes out of [`Self::poll_next`]. Beyond `limit` it is `Busy` at once.
    pub(crate) fn start(
        &mut self,
        id: u64,
        call: Call,
        limit: usize,
        bytes: usize,
    ) -> Option<CallResult> {
        if self.running.len() >= limit {
            return Some(CallResult::Busy);
        }
        let orders = self.orders.clone();
        self.running.spawn(async move { (id, run(call, bytes, orders).await) });
        None
    }

    /// Number of calls under way.
    pub(crate) fn len(&self) -> usize {
        self.running.len()
    }

    /// The next answer; never ready while no call is under way.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<(u64, CallResult)> {
        loop {
            match self.running.poll_join_next(context) {
                Poll::Ready(Some(Ok(done))) => return Poll::Ready(done),
                // A call that panicked, which none should: its machine gives up by itself.
                Poll::Ready(Some(Err(error))) => tracing::error!(%error, "an outside call failed"),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// Files are local: whoever waits longer for one has a broken disk.
const FILE_TIME: Duration = Duration::from_secs(30);

async fn run(call: Call, bytes: usize, orders: Option<mpsc::Sender<ProcessOrder>>) -> CallResult {
    let (limit, result) = match call {
        Call::Http { method, url, headers, body, timeout: limit } => {
            (limit, timeout(limit, http(method, url, headers, body, bytes)).await)
        }
        Call::Child { argv, stdin, timeout: limit } => {
            (limit, timeout(limit, child(argv, stdin, bytes)).await)
        }
        Call::UnixSocket { path, send, timeout: limit } => {
            (limit, timeout(limit, unix(path, send, bytes)).await)
        }
        Call::ReadFile { path } => (FILE_TIME, timeout(FILE_TIME, read_file(path, bytes)).await),
        Call::WriteFile { path, content } => {
            (FILE_TIME, timeout(FILE_TIME, write_file(path, content)).await)
        }
        Call::Process(order) => {
            let said = async { plain(0, process(order, orders).await?.into_bytes()) };
            (FILE_TIME, timeout(FILE_TIME, said).await)
        }
    };
    match result {
        Ok(Ok((status, body, headers))) => CallResult::Done { status, body, headers },
        Ok(Err(why)) => CallResult::Failed(why),
        Err(_) => {
            tracing::debug!(?limit, "an outside call took too long");
            CallResult::TimedOut
        }
    }
}

type Outcome = Result<(i32, Bytes, Vec<(String, String)>), String>;

fn plain(status: i32, body: Vec<u8>) -> Outcome {
    Ok((status, body.into(), Vec::new()))
}

#[allow(clippy::needless_pass_by_value, reason = "made for map_err")]
fn words(error: impl ToString) -> String {
    error.to_string()
}

fn too_long(limit: usize) -> String {
    format!("the answer is longer than {limit} bytes")
}

/// Carries out an order; what is to be said about it.
pub(crate) async fn process(
    order: Order,
    orders: Option<mpsc::Sender<ProcessOrder>>,
) -> Result<String, String> {
    match order {
        Order::LogLevel(level) => logging::set_level(&level)
            .map(|()| "changed until the next reload or restart".to_owned())
            .map_err(|why| format!("level: {why}")),
        Order::Reload => {
            let gone = || "the process is stopping".to_owned();
            let (reply, answer) = oneshot::channel();
            let order = ProcessOrder::Reload { reply };
            orders.ok_or_else(gone)?.send(order).await.map_err(|_| gone())?;
            answer.await.map_err(|_| gone())?
        }
    }
}

async fn http(
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Bytes,
    limit: usize,
) -> Outcome {
    let uri: Uri = url.parse().map_err(words)?;
    if uri.scheme_str() != Some("http") {
        return Err("only http: addresses can be called".into());
    }
    let authority = uri.authority().ok_or("the address has no host")?.clone();
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let stream =
        TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await.map_err(words)?;
    stream.set_nodelay(true).map_err(words)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::builder()
        .method(method.as_str())
        .uri(path)
        .header(header::HOST, authority.as_str())
        .header(header::CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = request.body(Full::new(body)).map_err(words)?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(words)?;
        let status = i32::from(answer.status().as_u16());
        let headers = answer
            .headers()
            .iter()
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        let body = Limited::new(answer.into_body(), limit).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { too_long(limit) } else { words(error) }
        })?;
        Ok((status, body.to_bytes(), headers))
    };
    tokio::pin!(exchange, connection);
    tokio::select! {
        outcome = &mut exchange => outcome,
        // The connection may end before the exchange has seen its last bytes.
        _ = &mut connection => exchange.await,
    }
}

async fn child(argv: Vec<String>, stdin: Bytes, limit: usize) -> Outcome {
    let (program, arguments) = argv.split_first().ok_or("no program is named")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{program}: {error}"))?;
    let (mut input, output) = (child.stdin.take(), child.stdout.take());
    let feed = async {
        if let Some(mut input) = input.take() {
            // A child that does not read its input is not wrong.
            let _ = input.write_all(&stdin).await;
        }
    };
    let read = async {
        match output {
            Some(output) => bounded(output, limit).await,
            None => Ok(Vec::new()),
        }
    };
    let ((), body) = tokio::join!(feed, read);
    let body = body?;
    let status = child.wait().await.map_err(words)?;
    match status.code() {
        Some(code) => plain(code, body),
        None => Err(format!("{program} was ended by a signal")),
    }
}

async fn unix(path: String, send: Bytes, limit: usize) -> Outcome {
    let mut stream =
        UnixStream::connect(&path).await.map_err(|error| format!("{path}: {error}"))?;
    stream.write_all(&send).await.map_err(words)?;
    stream.shutdown().await.map_err(words)?;
    plain(0, bounded(stream, limit).await?)
}

async fn read_file(path: String, limit: usize) -> Outcome {
    let file = fs::File::open(&path).await.map_err(|error| format!("{path}: {error}"))?;
    plain(0, bounded(file, limit).await?)
}

async fn write_file(path: String, content: Bytes) -> Outcome {
    let named = |error: io::Error| format!("{path}: {error}");
    let beside = format!("{path}.new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .await
        .map_err(named)?;
    file.write_all(&content).await.map_err(named)?;
    file.sync_all().await.map_err(named)?;
    fs::rename(&beside, &path).await.map_err(named)?;
    // The new name is durable when its directory is.
    let directory = match std::path::Path::new(&path).parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => ".".into(),
    };
    fs::File::open(directory).await.map_err(named)?.sync_all().await.map_err(named)?;
    plain(0, Vec::new())
}

async fn bounded(
    source: impl tokio::io::AsyncRead + Unpin,
    limit: usize,
) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    source.take(limit as u64 + 1).read_to_end(&mut body).await.map_err(words)?;
    if body.len() > limit { Err(too_long(limit)) } else { Ok(body) }
}
