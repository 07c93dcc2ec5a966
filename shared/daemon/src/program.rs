//! What a program is, without its component's type: everything but the machine itself.

use std::{future::Future, pin::Pin, process::ExitCode, sync::Arc};

use annex_service::{
    component::{Component, HttpRoute},
    record::Shown,
    service::Service,
    settings::{Mistake, Setting},
    store::{self, Migration, Table},
};
use annex_store::{Describe, Schema};
use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    config::{Domain, StorePlace},
    runtime::{self, Control, DomainSettings, Report, RunError, Storage},
};

/// One of the four programs.
#[derive(Clone)]
pub struct Program {
    /// `annex-muc`.
    pub name: &'static str,
    /// `muc`.
    pub section: &'static str,
    /// Name in service discovery.
    pub title: &'static str,
    /// Version.
    pub version: &'static str,
    /// Settings of the component's section.
    pub settings: &'static [Setting],
    /// Judges that section; no stanza that leaves is longer than so many bytes.
    pub check: fn(&Value, usize) -> Vec<Mistake>,
    /// Tables of the component.
    pub tables: &'static [Table],
    /// Steps from older formats of its store.
    pub migrations: &'static [Migration],
    /// Records of the component that exports show.
    pub shown: &'static [Shown],
    /// HTTP routes of the component.
    pub http: &'static [HttpRoute],
    /// Port of a listener of its own.
    pub port: u16,
    /// It needs a server that lets it keep senders' addresses.
    pub keeps_from: bool,
    /// Whether, with this section, it does nothing without that.
    pub needs_from: fn(&Value) -> bool,
    /// Verbs of the component, with what they are called.
    pub verbs: Vec<Verb>,
    /// Runs one domain.
    pub(crate) run: RunDomain,
}

/// A verb of the admin socket that the component registers as a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verb {
    /// Its words.
    pub words: Vec<&'static str>,
    /// What it is called.
    pub name: &'static str,
}

pub(crate) type Running = Pin<Box<dyn Future<Output = Result<(), RunError>>>>;
pub(crate) type RunDomain =
    fn(&Domain, Storage, DomainSettings, mpsc::Receiver<Control>, Arc<Report>) -> Running;

impl Program {
    /// The program of a component.
    pub fn of<C: Component + 'static>() -> Self {
        let registry = C::registry();
        // Nodes of XEP-0133 are addresses, not words.
        let verbs = registry.commands().filter(|command| !command.node.contains([':', '#']));
        Self {
            name: C::PROGRAM,
            section: C::SECTION,
            title: C::NAME,
            version: env!("CARGO_PKG_VERSION"),
            settings: C::settings(),
            check: C::check,
            tables: C::TABLES,
            migrations: C::MIGRATIONS,
            shown: C::SHOWN,
            http: C::HTTP,
            port: C::PORT,
            keeps_from: C::KEEPS_FROM,
            needs_from: C::needs_from,
            verbs: verbs
                .map(|command| Verb {
                    words: command.node.split('/').collect(),
                    name: command.name,
                })
                .collect(),
            run: run_domain::<C>,
        }
    }

    /// What its stores contain.
    pub fn schema(&self) -> Schema {
        Schema {
            component: self.name,
            version: store::format(self.migrations),
            tables: annex_service::TABLES.iter().chain(self.tables).copied().collect(),
            migrations: self.migrations.to_vec(),
        }
    }

    /// How a store of it is opened.
    pub(crate) fn store(&self, place: &StorePlace) -> annex_store::Config {
        annex_store::Config {
            cache_capacity: place.cache,
            durability: place.durability,
            ..annex_store::Config::new(&place.path, self.schema())
        }
    }
}

/// Exports show what the component and the services' common part know how to show.
impl Describe for Program {
    fn describe(&self, table: Table, _: &[u8], value: &[u8]) -> Option<Value> {
        (self.shown(table)?.json)(value)
    }

    fn record(&self, table: Table, _: &[u8], json: &Value) -> Option<Bytes> {
        (self.shown(table)?.bytes)(json)
    }

    fn reads(&self, table: Table, _: &[u8], value: &[u8]) -> bool {
        self.shown(table).is_none_or(|shown| (shown.json)(value).is_some())
    }
}

impl Program {
    fn shown(&self, table: Table) -> Option<&Shown> {
        annex_service::SHOWN.iter().chain(self.shown).find(|shown| shown.table == table)
    }
}

fn run_domain<C: Component + 'static>(
    domain: &Domain,
    storage: Storage,
    settings: DomainSettings,
    control: mpsc::Receiver<Control>,
    report: Arc<Report>,
) -> Running {
    let machine = Service::<C>::new(domain.common.clone(), &domain.section);
    Box::pin(runtime::run(machine, storage, settings, control, report))
}

/// A whole program: reads the command line and does what it says.
pub fn main<C: Component + 'static>() -> ExitCode {
    crate::cli::main(&Program::of::<C>())
}

#[cfg(test)]
mod tests {
    use annex_service::store::{Read as _, Scan};
    use annex_store::{Durability, Store, backup_before, check_backup, import};

    use super::*;
    use crate::{
        exit::{Exit, Failure},
        probe::{Probe, THINGS},
    };

    /// What a program of format 1 has exported.
    const GOLDEN: &str = include_str!("../tests/golden/probe-1.jsonl");

    #[test]
    fn an_older_store_is_backed_up_and_migrated_and_a_newer_one_refused() {
        let program = Program::of::<Probe>();
        let old = Program { migrations: &[], ..program.clone() };
        assert_eq!((old.schema().version, program.schema().version), (1, 2));
        let dir = tempfile::tempdir().expect("a directory");
        let place = StorePlace {
            path: dir.path().join("store"),
            durability: Durability::Full,
            cache: 16 << 20,
            reserve: 0,
        };
        import(&old.store(&place), &mut GOLDEN.as_bytes(), None, false).expect("an export");

        let store = Store::open(program.store(&place), Box::new(drop)).expect("it is migrated");
        let rows = store.reader().scan(&Scan::all(THINGS)).expect("readable").rows;
        let things: Vec<_> = rows.iter().map(|row| (&row.key[..], &row.value[..])).collect();
        assert_eq!(things, [(&b"chair"[..], &b"\x01oak"[..]), (b"lamp", b"\x01brass")]);
        store.close();
        let backup = check_backup(&backup_before(&place.path, 1)).expect("a backup");
        assert_eq!((backup.format, backup.records), (1, 2));

        let newer = Store::open(old.store(&place), Box::new(drop)).map(drop);
        let failure = Failure::from(newer.expect_err("it is newer"));
        assert_eq!(failure.exit, Exit::Store, "{}", failure.text);
    }
}
