//! A running process: its domains from their start to their end.

mod conduct;
mod watch;

use std::{path::Path, rc::Rc, sync::Arc};

use tokio::{
    sync::{broadcast, mpsc},
    task::{JoinSet, LocalSet},
};

use self::{
    conduct::{Next, Running},
    watch::watch,
};
use crate::{
    admin,
    config::{Config, Domain, sources::Sources},
    exit::{Exit, Failure},
    handle::{DomainHandle, Pending, ProcessHandle},
    http, notify,
    program::Program,
    runtime::{
        Control, DomainSettings, ProcessOrder, Report, RunError, Space, Storage, trace::Tracing,
    },
    signals::Signals,
    state::State,
};

/// Events that a slow listener over HTTP may be behind.
const EVENTS: usize = 1024;

/// Opens the stores and runs until told to stop.
pub(crate) fn run(program: &Program, config: Config, sources: &Sources) -> Result<(), Failure> {
    let failed = |text: String| Failure::new(Exit::Failed, text);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| failed(format!("the system gives no event loop: {error}")))?;
    let local = LocalSet::new();
    let outcome = runtime.block_on(local.run_until(serve(program, config, sources)));
    // What is left to the threads of the pool (a backup, a name to resolve) is not waited for.
    runtime.shutdown_background();
    notify::settle();
    outcome
}

async fn serve(program: &Program, config: Config, sources: &Sources) -> Result<(), Failure> {
    let mut signals =
        Signals::listen().map_err(|error| Failure::new(Exit::Failed, error.to_string()))?;
    let (orders, mut ordered) = mpsc::channel(16);
    let mut running = JoinSet::new();
    let mut domains = Vec::new();
    // Every store before the first domain runs: what cannot run whole does not run at all.
    let mut storages = Vec::new();
    for domain in &config.domains {
        storages.push(Storage::open(program.store(&domain.store))?);
    }
    // Behind the stores: who runs the same configuration twice is told that it is in use.
    let http = http::Http::bind(config.process.listen)
        .await
        .map_err(|why| Failure::new(Exit::Failed, why))?;
    for (domain, storage) in config.domains.iter().zip(storages) {
        domains.push(start(program, domain, storage, orders.clone(), &mut running));
    }
    let handle = ProcessHandle {
        program: program.name,
        version: program.version,
        routes: program.http,
        domains: domains.into(),
        orders,
        restart: Pending::default(),
    };
    let state = Rc::new(State::new(program, handle, &config));
    let listener = admin::bind(&config.process.sockets).map_err(|why| {
        Failure::new(
            Exit::Failed,
            format!("the admin socket cannot be opened ({why}): set admin.socket"),
        )
    });
    let listener = match listener {
        Ok(listener) => listener,
        Err(failure) => return end(state, running, false).await.and(Err(failure)),
    };
    tracing::info!(socket = %listener.path().display(), "ready");
    let limit = config.domains.first().map_or(1 << 20, |domain| domain.limits.call_bytes);
    http.serve(state.handle.clone(), limit);
    notify::ready();
    let mut process = Running { program, sources, config, state: state.clone() };
    let outcome = tokio::select! {
        () = admin::serve(&listener, &state) => Ok(Next::Stop { last: false }),
        () = watch(&state) => Ok(Next::Stop { last: false }),
        outcome = process.conduct(&mut signals, &mut ordered, &mut running) => outcome,
    };
    notify::stopping();
    drop(process);
    let last = match outcome {
        Ok(Next::Stop { last }) => last,
        Err(failure) => {
            notify::status(&failure.text);
            state.handle.domains.iter().for_each(|domain| domain.store.close_at_once());
            return Err(failure);
        }
    };
    tracing::info!(last, "stopping; a second signal stops at once");
    let domains = state.handle.domains.clone();
    let ended = tokio::select! {
        ended = end(state, running, last) => ended,
        () = signals.again() => {
            domains.iter().for_each(|domain| domain.store.close_at_once());
            Err(Failure::new(Exit::Ok, "stopped at once"))
        }
    };
    drop(domains);
    drop(listener);
    match ended {
        Err(failure) if failure.exit == Exit::Ok => Ok(()),
        ended => ended,
    }
}

fn start(
    program: &Program,
    domain: &Domain,
    storage: Storage,
    orders: mpsc::Sender<ProcessOrder>,
    running: &mut JoinSet<Result<(), RunError>>,
) -> DomainHandle {
    let (events, _) = broadcast::channel(EVENTS);
    let settings = DomainSettings {
        link: domain.link.clone(),
        limits: domain.limits,
        space: Some(Space { path: domain.store.path.clone(), reserve: domain.store.reserve }),
        trace: domain.trace.clone().map(|path| Tracing {
            path,
            common: domain.common.clone(),
            section: domain.section.clone(),
        }),
        publish: events.clone(),
        orders: Some(orders),
    };
    let (control, commands) = mpsc::channel(64);
    let report = Arc::new(Report::of(&domain.link.server));
    let store = storage.store().clone();
    remove_partial(&domain.store.path);
    let inspect = store.inspect();
    let records: u64 = inspect.tables.iter().map(|table| table.records).sum();
    tracing::info!(
        domain = domain.common.jid.as_str(),
        path = %domain.store.path.display(),
        records,
        bytes = inspect.file_bytes,
        "store opened"
    );
    running.spawn_local((program.run)(domain, storage, settings, commands, report.clone()));
    DomainHandle { jid: domain.common.jid.as_str().to_owned(), control, report, events, store }
}

/// A backup that was written for somebody who never took it away.
fn remove_partial(store: &Path) {
    let Ok(entries) = std::fs::read_dir(store) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("backup-") && name.ends_with(".partial"))
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Tells every domain to stop, and waits for all of them.
async fn end(
    state: Rc<State>,
    mut running: JoinSet<Result<(), RunError>>,
    last: bool,
) -> Result<(), Failure> {
    for domain in state.handle.domains.iter() {
        let _ = domain.control.send(Control::Shutdown { last }).await;
    }
    let mut outcome = Ok(());
    while let Some(ended) = running.join_next().await {
        outcome = outcome.and(judged(ended));
    }
    // Beside the loop, which hears a second signal meanwhile.
    let mut tidying = JoinSet::new();
    for domain in state.handle.domains.iter() {
        let store = domain.store.clone();
        tidying.spawn_blocking(move || store.tidy());
    }
    while tidying.join_next().await.is_some() {}
    // The last hold on the stores: they are closed when this returns.
    drop(state);
    outcome
}

fn judged(ended: Result<Result<(), RunError>, tokio::task::JoinError>) -> Result<(), Failure> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            let exit = if error.exit_code() == 4 { Exit::Store } else { Exit::Failed };
            Err(Failure::new(exit, error.to_string()))
        }
        Err(_) => {
            Err(Failure::new(Exit::Failed, "a fault in the program ended it; please report it"))
        }
    }
}
