//! What may not have arrived is told again, over as many turns as that takes.

mod common;

use std::time::Duration;

use annex_service::{
    effect::{Effect, Timer},
    input::Input,
    machine::Machine,
    store::Scan,
    turn::Turn,
};
use annex_stanza::{MessageType, Outgoing};
use common::{DOMAIN, ServerEnd, Setup, TABLE, jid, message, settle};

const NEXT: Timer = Timer { kind: 40, id: 1 };

/// Tells what it is told, notes that, and tells what is noted again one at a time, a second apart.
#[derive(Default)]
struct Slow {
    after: Vec<u8>,
}

impl Slow {
    fn again(&mut self, turn: &mut Turn<'_>) {
        let scan = Scan::all(TABLE).after(&self.after).limit(1);
        match turn.scan(scan).expect("read").rows.first() {
            Some(row) => {
                tell(&format!("again {}", String::from_utf8_lossy(&row.value)), turn);
                self.after = row.key.to_vec();
                turn.arm(NEXT, Duration::from_secs(1));
            }
            None => turn.emit(Effect::Retold),
        }
    }
}

impl Machine for Slow {
    fn handle(&mut self, input: Input, turn: &mut Turn<'_>) {
        match input {
            Input::Online { confirmed } => {
                turn.emit(Effect::Retelling);
                self.after = confirmed.to_be_bytes().to_vec();
                self.again(turn);
            }
            Input::Timer(_) => self.again(turn),
            Input::Offline(_) => turn.disarm(NEXT),
            Input::Stanza(stanza) => {
                let body = stanza.payload.text("jabber:client", "body").expect("body");
                tell(&body, turn);
                turn.put(TABLE, turn.number().to_be_bytes(), body);
            }
            Input::Confirmed(mark) => {
                for row in turn.scan(Scan::all(TABLE)).expect("read").rows {
                    if *row.key <= mark.to_be_bytes()[..] {
                        turn.delete(TABLE, row.key.to_vec());
                    }
                }
            }
            _ => {}
        }
    }

    fn status(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
}

fn tell(body: &str, turn: &mut Turn<'_>) {
    let note = Outgoing::message(MessageType::Chat, &jid(DOMAIN));
    turn.send(&note.payload(format!("<body>{body}</body>").as_bytes()), &jid("a@x"));
}

async fn told(server: &mut ServerEnd, expected: &[&str]) {
    for body in expected {
        assert_eq!(server.payload().await, format!("<body>{body}</body>"));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_confirmed_before_all_of_it_has_been_told_again() {
    let setup = Setup::default();
    let mut running = setup.clone().start(Slow::default());
    let mut server = running.net.accept().await;
    server.returns = false;
    for body in ["1", "2", "3"] {
        server.send(&message("a@x/r", DOMAIN, body)).await;
        told(&mut server, &[body]).await;
    }
    running.task.abort();
    settle().await;

    // It dies on the way, and what it tells for the first time meanwhile belongs to the rest.
    let mut running = setup.clone().start(Slow::default());
    let mut server = running.net.accept().await;
    told(&mut server, &["again 1"]).await;
    server.send(&message("a@x/r", DOMAIN, "4")).await;
    told(&mut server, &["4", "again 2"]).await;
    server.silence().await;
    assert_eq!((server.marks, setup.memory.records().len()), (0, 4));
    running.task.abort();
    settle().await;

    // The stream breaks on the way.
    let mut running = setup.clone().start(Slow::default());
    let mut server = running.net.accept().await;
    told(&mut server, &["again 1", "again 2"]).await;
    drop(server);
    let mut server = running.net.accept().await;
    told(&mut server, &["again 1", "again 2", "again 3", "again 4"]).await;
    server.silence().await;
    assert_eq!((server.marks, setup.memory.records().len()), (0, 4));
    tokio::time::sleep(Duration::from_secs(1)).await;
    server.silence().await;
    assert_eq!((server.marks, setup.memory.records().len()), (1, 0));
    running.stop().await;

    let mut running = setup.start(Slow::default());
    let mut server = running.net.accept().await;
    server.silence().await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_it_is_told_again_does_not_wait_for_a_confirmation() {
    let mut running = Setup::default().start(Slow::default());
    let mut server = running.net.accept().await;
    server.returns = false;
    server.send(&message("a@x/r", DOMAIN, "1")).await;
    told(&mut server, &["1"]).await;
    drop(server);
    let mut server = running.net.accept().await;
    told(&mut server, &["again 1"]).await;
    let start = tokio::time::Instant::now();
    running.order(annex_daemon::runtime::Control::Shutdown { last: false }).await;
    while server.frame().await.is_some() {}
    assert!(start.elapsed() < Duration::from_secs(1));
}
