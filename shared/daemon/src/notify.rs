//! What systemd is told (sd_notify): ready, reloading, stopping, a line of status, and that the
//! core is alive.

use std::{
    sync::{
        OnceLock,
        mpsc::{Sender, SyncSender, TrySendError, channel, sync_channel},
    },
    thread,
    time::Duration,
};

use sd_notify::NotifyState;

/// Messages on their way. Sending blocks where the other side does not read, which must not hold up
/// the core: so a thread of its own sends them, and what does not fit is left out.
static OUT: OnceLock<Option<SyncSender<Message>>> = OnceLock::new();

enum Message {
    Tell(String),
    /// Answered when everything before it is sent.
    Settle(Sender<()>),
}

/// For the last words.
const PATIENCE: Duration = Duration::from_millis(200);

/// Messages that may wait.
const WAITING: usize = 64;

fn sender() -> Option<&'static SyncSender<Message>> {
    OUT.get_or_init(|| {
        if !is_wanted() {
            return None;
        }
        let (sender, messages) = sync_channel(WAITING);
        let started = thread::Builder::new().name("notify".into()).spawn(move || {
            for message in messages {
                match message {
                    // Who cannot be told is no reason to stop.
                    Message::Tell(text) => drop(sd_notify::notify(&[NotifyState::Custom(&text)])),
                    Message::Settle(done) => drop(done.send(())),
                }
            }
        });
        started.is_ok().then_some(sender)
    })
    .as_ref()
}

fn tell(states: &[NotifyState<'_>]) {
    let Some(sender) = sender() else { return };
    let message: Vec<String> = states.iter().map(ToString::to_string).collect();
    if let Err(TrySendError::Full(_)) = sender.try_send(Message::Tell(message.join("\n"))) {
        tracing::debug!("systemd does not listen");
    }
}

/// Waits a moment, at the end, until everything is sent.
pub(crate) fn settle() {
    let Some(Some(sender)) = OUT.get() else { return };
    let (done, wait) = channel();
    if sender.try_send(Message::Settle(done)).is_ok() {
        let _ = wait.recv_timeout(PATIENCE);
    }
}

/// Somebody listens.
pub(crate) fn is_wanted() -> bool {
    std::env::var_os("NOTIFY_SOCKET").is_some()
}

/// The stores are open.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A reload begins; [`ready`] ends it.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// A stop begins.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// One line for `systemctl status`.
pub(crate) fn status(line: &str) {
    tell(&[NotifyState::Status(&crate::out::plain(line))]);
}

/// The core has answered.
pub(crate) fn watchdog() {
    tell(&[NotifyState::Watchdog]);
}

/// How often [`watchdog`] is expected, if at all; it is sent twice as often.
pub(crate) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|interval| !interval.is_zero())
}
