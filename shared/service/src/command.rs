//! One administrative action, offered three ways: as an ad-hoc command (XEP-0050), as a verb of
//! the admin socket, and so as a word on the command line.

use std::collections::BTreeMap;

use annex_stanza::{Field, Jid};

use crate::{
    commands::{self, Ticket},
    context::{Context, Outcome},
};

/// Who may run a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The `admins` of the configuration only; it is hidden from and refused to others.
    Admins,
    /// Whoever may talk to the service.
    Anyone,
}

/// Values given so far, by the field's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments(pub BTreeMap<String, Vec<String>>);

impl Arguments {
    /// The first value of a field.
    pub fn one(&self, var: &str) -> Option<&str> {
        self.0.get(var)?.first().map(String::as_str)
    }

    /// All values of a field.
    pub fn all(&self, var: &str) -> &[String] {
        self.0.get(var).map_or(&[], Vec::as_slice)
    }

    /// For a command without a form: refuses what is none of these arguments, as it would be taken
    /// for one that was left out.
    pub fn only(&self, known: &[&str]) -> Outcome<()> {
        commands::all_known(self, known)
    }
}

/// One step's form, before it is filled in.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// Instructions above the form.
    pub instructions: String,
    /// Its fields, with defaults and options.
    pub fields: Vec<Field>,
    /// Another form may follow this one.
    pub more: bool,
}

/// What a finished command says.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// A sentence: the `<note/>` of XEP-0050, the line printed by the command line.
    pub note: String,
    /// Column names (field names and labels) of a table, where there is one.
    pub columns: Vec<(&'static str, &'static str)>,
    /// The table's rows, each as long as `columns`.
    pub rows: Vec<Vec<String>>,
}

/// What comes after the arguments given so far.
#[derive(Debug)]
pub enum Next {
    /// Another form; a verb's caller gets `bad-request` naming the fields that are missing.
    Ask(Step),
    /// It is done.
    Done(Report),
    /// It is under way; [`Context::finish`] answers it.
    Later(Ticket),
}

/// Runs one step: called with who asks, all values given so far and the number of forms answered.
/// It acts only when it returns [`Next::Done`] or [`Next::Later`]: before that it may be called
/// again, for an earlier step too. Who asks is a user's full address, or, for a verb of the admin
/// socket, the service's own address with the local user's name as resource.
pub type Run<C> = fn(&mut C, &Jid, &Arguments, usize, &mut Context<'_, '_>) -> Outcome<Next>;

/// See the module's text.
pub struct Command<C> {
    /// Node (XEP-0050 §2.2) and, with spaces for the slashes, the verb: `rooms/list`.
    pub node: &'static str,
    /// Name to show.
    pub name: &'static str,
    /// Who may run it.
    pub access: Access,
    /// The step function; at 0 answered forms it is asked for the first form, or runs at once.
    pub run: Run<C>,
}
