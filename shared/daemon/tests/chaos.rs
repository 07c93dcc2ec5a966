//! Whatever happens to process, stream and store: what was acknowledged is kept, what was kept is
//! told, and nothing stays noted for ever.

mod common;

use std::{collections::BTreeSet, time::Duration};

use annex_daemon::runtime::{Limits, Timeouts};
use annex_service::{
    effect::{Effect, Timer},
    input::Input,
    machine::Machine,
    store::{Scan, Table},
    turn::Turn,
};
use annex_stanza::{Frame, MessageType, Outgoing};
use common::{DOMAIN, Net, Running, ServerEnd, Setup, TABLE, jid, message, settle};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio::io::AsyncWriteExt;

const KEPT: Table = Table::new(41, "kept");
const NEXT: Timer = Timer { kind: 40, id: 1 };

/// Keeps, notes and acknowledges each message; tells again what is noted, two at a time.
struct Keeper {
    after: Vec<u8>,
}

impl Keeper {
    fn again(&mut self, turn: &mut Turn<'_>) {
        let page = turn.scan(Scan::all(TABLE).after(&self.after).limit(2)).expect("read");
        for row in &page.rows {
            tell(&row.value, turn);
            self.after = row.key.to_vec();
        }
        if page.complete {
            turn.emit(Effect::Retold);
        } else {
            turn.arm(NEXT, Duration::from_millis(60));
        }
    }
}

impl Machine for Keeper {
    fn handle(&mut self, input: Input, turn: &mut Turn<'_>) {
        match input {
            Input::Online { confirmed } => {
                turn.emit(Effect::Retelling);
                self.after = key(confirmed, u64::MAX);
                self.again(turn);
            }
            Input::Timer(_) => self.again(turn),
            Input::Offline(_) => turn.disarm(NEXT),
            Input::Stanza(stanza) => {
                let body = stanza.payload.text("jabber:client", "body").expect("body");
                tell(body.as_bytes(), turn);
                let note = key(turn.number(), turn.stamp());
                turn.put(TABLE, note, body.clone());
                turn.put(KEPT, body, "");
            }
            Input::Confirmed(mark) => {
                let end = std::ops::Bound::Included(key(mark, u64::MAX));
                for row in turn.scan(Scan { end, ..Scan::all(TABLE) }).expect("read").rows {
                    turn.delete(TABLE, row.key.to_vec());
                }
            }
            _ => {}
        }
    }
}

fn key(turn: u64, stamp: u64) -> Vec<u8> {
    [turn.to_be_bytes(), stamp.to_be_bytes()].concat()
}

fn tell(body: &[u8], turn: &mut Turn<'_>) {
    let note = Outgoing::message(MessageType::Chat, &jid(DOMAIN));
    let body = std::str::from_utf8(body).expect("text");
    turn.send(&note.child(|xml| _ = xml.text_element("body", None, body)), &jid("a@x"));
}

/// What happens next.
#[derive(Debug, Clone, Copy)]
enum Event {
    Message,
    Hold,
    Release,
    ReleaseOne,
    Deaf,
    Listen,
    Wait(u16),
    Break,
    Crash,
}

fn event() -> impl Strategy<Value = Event> {
    use Event::*;
    prop_oneof![
        8 => Just(Message),
        1 => Just(Hold),
        2 => Just(Release),
        2 => Just(ReleaseOne),
        1 => Just(Deaf),
        2 => Just(Listen),
        4 => (1_u16..300).prop_map(Wait),
        1 => Just(Break),
        1 => Just(Crash),
    ]
}

/// The world: a server's end that notes what it is told, and what stands before it.
struct World {
    setup: Setup,
    running: Running,
    server: ServerEnd,
    returns: bool,
    told: BTreeSet<String>,
}

impl World {
    async fn begin(setup: Setup) -> Self {
        let mut running = setup.clone().start(Keeper { after: Vec::new() });
        let server = accept(&mut running.net, true).await;
        Self { setup, running, server, returns: true, told: BTreeSet::new() }
    }

    /// Listens for so long.
    async fn listen(&mut self, millis: u64) {
        let quiet = tokio::time::sleep(Duration::from_millis(millis));
        tokio::pin!(quiet);
        loop {
            tokio::select! {
                () = &mut quiet => break,
                frame = self.server.frame() => match frame {
                    Some(Frame::Stanza(stanza)) => {
                        let body = stanza.payload.text("jabber:client", "body").expect("body");
                        self.told.insert(body);
                    }
                    other => panic!("a stanza, not {other:?}"),
                },
            }
        }
    }

    fn kept(&self) -> BTreeSet<String> {
        let records = self.setup.memory.records();
        let kept = records.keys().filter(|key| key[0] == KEPT.id);
        kept.map(|key| String::from_utf8_lossy(&key[1..]).into_owned()).collect()
    }

    async fn happens(&mut self, event: Event, number: usize) {
        match event {
            Event::Message => {
                self.server.send(&message("a@x/r", DOMAIN, &format!("m{number}"))).await;
                settle().await;
            }
            Event::Hold => self.setup.memory.hold(),
            Event::Release => self.setup.memory.release(),
            Event::ReleaseOne => _ = self.setup.memory.release_one(),
            Event::Deaf => (self.returns, self.server.returns) = (false, false),
            Event::Listen => (self.returns, self.server.returns) = (true, true),
            Event::Wait(millis) => self.listen(millis.into()).await,
            Event::Break => {
                self.server.wire.shutdown().await.expect("an end");
                self.server = accept(&mut self.running.net, self.returns).await;
            }
            Event::Crash => {
                self.running.task.abort();
                settle().await;
                self.setup.memory.crash();
                self.running = self.setup.clone().start(Keeper { after: Vec::new() });
                self.server = accept(&mut self.running.net, self.returns).await;
            }
        }
        settle().await;
        assert!(self.told.is_subset(&self.kept()), "{:?} of {:?}", self.told, self.kept());
    }
}

async fn accept(net: &mut Net, returns: bool) -> ServerEnd {
    let mut server = net.accept().await;
    server.returns = returns;
    server
}

#[test]
fn what_is_acknowledged_is_kept_and_what_is_kept_is_told() {
    let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
    let history = prop::collection::vec(event(), 1..60);
    let outcome = runner.run(&history, |history| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("runtime");
        runtime.block_on(async {
            let limits = Limits { commits: 300, ..Limits::default() };
            // Breaks follow each other, and nobody should wait for a minute.
            let timeouts = Timeouts { stable: Duration::ZERO, ..Timeouts::default() };
            let mut world = World::begin(Setup { limits, timeouts, ..Setup::default() }).await;
            for (number, event) in history.into_iter().enumerate() {
                world.happens(event, number).await;
            }
            world.happens(Event::Release, 0).await;
            world.happens(Event::Listen, 0).await;
            // Marks that came back while it was deaf are lost: something new brings another.
            world.happens(Event::Message, 1000).await;
            world.listen(5_000).await;
            assert_eq!(world.told, world.kept());
            let records = world.setup.memory.records();
            let noted = records.keys().filter(|key| key[0] == TABLE.id).count();
            assert_eq!(noted, 0, "everything is confirmed");
            world.running.task.abort();
        });
        Ok(())
    });
    outcome.expect("kept and told");
}
