//! What a component registers: routes, identities, features, commands and verbs. Service discovery
//! advertises what is registered and nothing else.

use annex_stanza::{IqType, Jid, Stanza, ns};

use crate::{
    command::Command,
    context::{Context, Outcome},
};

/// Shape of an address within the component's domain: what it can stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// `domain`, with or without a resource: the service itself.
    Service,
    /// `local@domain`: a room, a list, a bot.
    Entity,
    /// `local@domain/resource`: an occupant.
    Occupant,
}

impl Shape {
    /// The shape of an address.
    pub fn of(jid: &Jid) -> Self {
        match (jid.local().is_some(), jid.resource().is_some()) {
            (false, _) => Self::Service,
            (true, false) => Self::Entity,
            (true, true) => Self::Occupant,
        }
    }
}

/// How an IQ request was answered.
#[derive(Debug)]
pub enum Answer {
    /// A result with this payload, which may be empty.
    Result(Vec<u8>),
    /// The handler has answered, or will, through [`Context::reply`].
    Later,
}

/// Handles an IQ request.
pub type IqHandler<C> = fn(&mut C, &Stanza, &mut Context<'_, '_>) -> Outcome<Answer>;
/// Handles a message, a presence, or an IQ answer.
pub type Handler<C> = fn(&mut C, &Stanza, &mut Context<'_, '_>) -> Outcome<()>;

/// One identity in service discovery (XEP-0030 §3.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Such as `conference`.
    pub category: &'static str,
    /// Such as `text`.
    pub kind: &'static str,
    /// Name to show; the service's configured name where none is given.
    pub name: Option<String>,
}

/// What disco#info of one address says (XEP-0030, XEP-0128).
#[derive(Debug, Default)]
pub struct Info {
    /// At least one.
    pub identities: Vec<Identity>,
    /// Sorted and without repetition when written.
    pub features: Vec<String>,
    /// Extension forms (XEP-0128).
    pub forms: Vec<annex_stanza::Form>,
}

/// One entry of disco#items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its address.
    pub jid: Jid,
    /// Its node.
    pub node: Option<String>,
    /// Its name to show.
    pub name: Option<String>,
}

/// Adds what only the component knows about one address and node; `item-not-found` where there is
/// no such thing. `info` already holds what is registered for the shape.
pub type InfoHandler<C> =
    fn(&mut C, &Stanza, Option<&str>, &mut Info, &mut Context<'_, '_>) -> Outcome<()>;
/// Answers disco#items for one address and node. The payload is written with [`crate::disco`].
pub type ItemsHandler<C> =
    fn(&mut C, &Stanza, Option<&str>, &mut Context<'_, '_>) -> Outcome<Answer>;

/// Where an IQ request is sent to.
pub struct IqRoute<C> {
    /// Shape of the address.
    pub shape: Shape,
    /// `Get` or `Set`.
    pub kind: IqType,
    /// Namespace of the payload, or `*`: whatever no other route takes.
    pub ns: &'static str,
    /// Name of the payload, or `*`.
    pub name: &'static str,
    /// Who handles it.
    pub handler: IqHandler<C>,
}

/// Everything a component offers.
pub struct Registry<C> {
    pub(crate) iq: Vec<IqRoute<C>>,
    pub(crate) message: Vec<(Shape, Handler<C>)>,
    pub(crate) presence: Vec<(Shape, Handler<C>)>,
    pub(crate) iq_answer: Option<Handler<C>>,
    pub(crate) returned: Option<Handler<C>>,
    pub(crate) identities: Vec<(Shape, Identity)>,
    pub(crate) features: Vec<(Shape, &'static str)>,
    pub(crate) info: Vec<(Shape, InfoHandler<C>)>,
    pub(crate) items: Vec<(Shape, ItemsHandler<C>)>,
    pub(crate) commands: Vec<Command<C>>,
}

impl<C> Default for Registry<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C> Registry<C> {
    /// Nothing but what every service has: disco, ping, version, time, last activity, commands.
    pub fn new() -> Self {
        Self {
            iq: Vec::new(),
            message: Vec::new(),
            presence: Vec::new(),
            iq_answer: None,
            returned: None,
            identities: Vec::new(),
            features: vec![(Shape::Service, ns::DISCO_INFO), (Shape::Service, ns::DISCO_ITEMS)],
            info: Vec::new(),
            items: Vec::new(),
            commands: Vec::new(),
        }
    }

    /// An identity of all addresses of a shape.
    pub fn identity(mut self, shape: Shape, category: &'static str, kind: &'static str) -> Self {
        self.identities.push((shape, Identity { category, kind, name: None }));
        self
    }

    /// A feature of all addresses of a shape.
    pub fn feature(mut self, shape: Shape, var: &'static str) -> Self {
        self.features.push((shape, var));
        self
    }

    /// IQ requests with this payload go to `handler`. Features are registered beside, as not every
    /// namespace is one.
    pub fn iq(
        mut self,
        shape: Shape,
        kind: IqType,
        ns: &'static str,
        name: &'static str,
        handler: IqHandler<C>,
    ) -> Self {
        self.iq.push(IqRoute { shape, kind, ns, name, handler });
        self
    }

    /// Messages of any type to addresses of this shape, those of type `error` too.
    pub fn message(mut self, shape: Shape, handler: Handler<C>) -> Self {
        self.message.push((shape, handler));
        self
    }

    /// Presence of any type to addresses of this shape, that of type `error` too.
    pub fn presence(mut self, shape: Shape, handler: Handler<C>) -> Self {
        self.presence.push((shape, handler));
        self
    }

    /// IQ results and errors, to any address.
    pub fn iq_answer(mut self, handler: Handler<C>) -> Self {
        self.iq_answer = Some(handler);
        self
    }

    /// Errors of messages and presence, to addresses of other domains: a server gives back what it
    /// could not deliver to whoever handed it over, also where the sender is someone else.
    pub fn returned(mut self, handler: Handler<C>) -> Self {
        self.returned = Some(handler);
        self
    }

    /// What disco#info says beyond what is registered.
    pub fn info(mut self, shape: Shape, handler: InfoHandler<C>) -> Self {
        self.info.push((shape, handler));
        self
    }

    /// What disco#items says.
    pub fn items(mut self, shape: Shape, handler: ItemsHandler<C>) -> Self {
        self.items.push((shape, handler));
        self
    }

    /// An ad-hoc command (XEP-0050), which is a verb of the admin socket and the command line too.
    pub fn command(mut self, command: Command<C>) -> Self {
        self.commands.push(command);
        self
    }

    /// The commands, in the order in which they were registered.
    pub fn commands(&self) -> impl Iterator<Item = &Command<C>> {
        self.commands.iter()
    }
}
