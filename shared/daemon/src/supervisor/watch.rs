//! What systemd is told while everything runs.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    notify,
    state::{State, asked},
};

/// How often the line of status is compared.
const LOOK: Duration = Duration::from_secs(2);

/// Keeps systemd informed: the line of status when it changes, the watchdog twice in its interval,
/// if every core has answered.
pub(super) async fn watch(state: &State) {
    if !notify::is_wanted() {
        return std::future::pending().await;
    }
    let feed = notify::watchdog_interval().map(|interval| interval / 2);
    let look = feed.map_or(LOOK, |feed| feed.min(LOOK));
    let mut told = String::new();
    let mut fed: Option<Instant> = None;
    loop {
        let line = state.line();
        if line != told {
            notify::status(&line);
            told = line;
        }
        if feed.is_some_and(|feed| fed.is_none_or(|fed| fed.elapsed() + look > feed)) {
            let mut alive = true;
            for domain in state.handle.domains.iter() {
                alive &= asked(domain).await.is_some();
            }
            if alive {
                notify::watchdog();
                fed = Some(Instant::now());
            }
        }
        tokio::time::sleep(look).await;
    }
}
