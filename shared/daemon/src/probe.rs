//! A component for this crate's own tests: settings of every type, and routes over HTTP.

use annex_service::{
    component::{Component, Event, HttpRoute},
    context::{Context, Outcome},
    effect::{Effect, Response},
    registry::{Registry, Shape},
    settings::{Mistake, Reload, Setting, Type},
    store::{Migration, Op, Table},
};
use annex_stanza::Jid;
use bytes::Bytes;
use serde_json::{Value, json};

use crate::program::Program;

pub(crate) struct Probe;

/// Things by name; from format 2 on behind a version byte.
pub(crate) const THINGS: Table = Table::new(40, "thing");

const fn setting(key: &'static str, kind: Type, default: &'static str, reload: Reload) -> Setting {
    Setting { key, kind, default, required: false, reload, text: "For tests." }
}

const SETTINGS: &[Setting] = &[
    setting("probe.word", Type::Word(&["local", "anyone"]), "\"local\"", Reload::Live),
    setting("probe.grace", Type::Duration, "\"15m\"", Reload::Live),
    setting("probe.quota", Type::Size, "\"1 MiB\"", Reload::Restart),
    setting("probe.users", Type::Integer(0, 100), "10", Reload::Live),
    setting("probe.defaults.public", Type::Boolean, "false", Reload::Live),
];

impl Component for Probe {
    const PROGRAM: &'static str = "annex-probe";
    const SECTION: &'static str = "probe";
    const NAME: &'static str = "Probe";
    const TABLES: &'static [Table] = &[THINGS];
    const MIGRATIONS: &'static [Migration] = &[Migration {
        from: 1,
        to: 2,
        describe: "things have a version",
        run: |store| {
            store.each(THINGS, |key, value| {
                Ok(vec![Op::put(THINGS, key, [&[1], value.as_ref()].concat())])
            })
        },
    }];
    const HTTP: &'static [HttpRoute] = &[
        HttpRoute { method: "POST", path: "/v1/things/{id}" },
        HttpRoute { method: "SSE", path: "/v1/things/{id}/events" },
        HttpRoute { method: "WS", path: "/v1/things/{id}/socket" },
    ];

    fn registry() -> Registry<Self> {
        Registry::new().identity(Shape::Service, "component", "generic")
    }

    fn settings() -> &'static [Setting] {
        SETTINGS
    }

    fn check(section: &Value, _: usize) -> Vec<Mistake> {
        if section["users"] == 13 {
            return vec![Mistake { key: "probe.users".into(), text: "expected luck".into() }];
        }
        Vec::new()
    }

    fn new(_: &Value) -> Self {
        Self
    }

    fn event(&mut self, event: Event, context: &mut Context<'_, '_>) -> Outcome<()> {
        let Event::Request { token, method, path, headers, body } = event else { return Ok(()) };
        let allowed =
            headers.iter().any(|(name, value)| name == "authorization" && value == "Bearer t");
        let response = match (allowed, method.as_str()) {
            (false, _) => Response::error(401, "who are you?"),
            (true, "POST") => {
                // Whoever listens hears of it.
                let topic = path.split('?').next().unwrap_or_default();
                for end in ["events", "socket"] {
                    let topic = format!("{topic}/{end}");
                    context.turn.emit(Effect::Publish { topic, event: body.clone() });
                }
                Response::json(201, &json!({ "path": path, "length": body.len() }))
            }
            (true, _) => {
                Response { body: Bytes::from_static(b"first"), ..Response::json(200, &Value::Null) }
            }
        };
        context.turn.emit(Effect::Respond { token, response });
        Ok(())
    }

    fn forget(&mut self, _: &Jid) {}

    fn status(&self) -> Value {
        json!({})
    }
}

/// The program around it.
pub(crate) fn program() -> Program {
    Program::of::<Probe>()
}
