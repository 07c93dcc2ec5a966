//! What an owner can configure of a room: the fields of XEP-0045 §16.5.3 by their standard names,
//! and those that clients in use know beside them. The form is shown and submitted in
//! `super::owner`.

use annex_stanza::{Condition, Field, FieldKind, Form, FormKind, Refusal, ns};
use serde::{Deserialize, Serialize};

use super::affiliation::Role;
use crate::config::Settings;

/// Who may see real addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whois {
    /// Moderators: the room is semi-anonymous.
    Moderators,
    /// Every occupant: the room is non-anonymous.
    Anyone,
}

/// Who may send private messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Private {
    /// Every occupant.
    Anyone,
    /// Those with voice.
    Participants,
    /// Moderators.
    Moderators,
    /// Nobody.
    None,
}

impl Private {
    const WORDS: [(&'static str, Self, &'static str); 4] = [
        ("anyone", Self::Anyone, "Anyone"),
        ("participants", Self::Participants, "Those with voice"),
        ("moderators", Self::Moderators, "Moderators"),
        ("none", Self::None, "Nobody"),
    ];

    /// Value of the field.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.into_iter().find(|(_, value, _)| *value == self).map_or("none", |word| word.0)
    }

    /// Reads the field.
    pub fn parse(text: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(word, _, _)| *word == text).map(|word| word.1)
    }

    /// An occupant with this role may.
    pub fn allows(self, role: Role) -> bool {
        match self {
            Self::Anyone => true,
            Self::Participants => role >= Role::Participant,
            Self::Moderators => role >= Role::Moderator,
            Self::None => false,
        }
    }
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roles {
    /// Moderators are in it.
    pub moderator: bool,
    /// Participants are in it.
    pub participant: bool,
    /// Visitors are in it.
    pub visitor: bool,
}

impl Roles {
    /// Every role.
    pub const ALL: Self = Self { moderator: true, participant: true, visitor: true };
    /// Moderators only.
    pub const MODERATORS: Self = Self { moderator: true, participant: false, visitor: false };

    /// The role is in it.
    pub fn has(self, role: Role) -> bool {
        match role {
            Role::None => false,
            Role::Visitor => self.visitor,
            Role::Participant => self.participant,
            Role::Moderator => self.moderator,
        }
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        [Role::Moderator, Role::Participant, Role::Visitor]
            .into_iter()
            .filter(move |role| self.has(*role))
            .map(Role::as_str)
    }

    fn read(field: &Field) -> Result<Self, Refusal> {
        let mut roles = Self { moderator: false, participant: false, visitor: false };
        for value in &field.values {
            match value.trim() {
                "moderator" => roles.moderator = true,
                "participant" => roles.participant = true,
                "visitor" => roles.visitor = true,
                "none" | "" => {}
                _ => return Err(unacceptable(field, "moderator, participant or visitor")),
            }
        }
        Ok(roles)
    }
}

/// A room's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// `muc#roomconfig_roomname`
    pub name: String,
    /// `muc#roomconfig_roomdesc`
    pub description: String,
    /// `muc#roomconfig_lang`
    pub lang: String,
    /// `muc#roomconfig_pubsub`
    pub pubsub: String,
    /// `muc#roomconfig_publicroom`: it is listed.
    pub public: bool,
    /// `muc#roomconfig_persistentroom`: it outlives its last occupant.
    pub persistent: bool,
    /// `muc#roomconfig_moderatedroom`: who is not affiliated enters without voice.
    pub moderated: bool,
    /// `muc#roomconfig_membersonly`
    pub members_only: bool,
    /// `muc#roomconfig_roomsecret`, where `muc#roomconfig_passwordprotectedroom` is on.
    pub password: Option<String>,
    /// `muc#roomconfig_whois`
    pub whois: Whois,
    /// `muc#roomconfig_changesubject`: participants may.
    pub subject_by_participants: bool,
    /// `muc#roomconfig_allowinvites`: everyone may invite.
    pub invites: bool,
    /// `muc#roomconfig_allowpm`
    pub private: Private,
    /// `muc#roomconfig_maxusers`; 0 for as many as the service allows.
    pub max_users: u32,
    /// `muc#roomconfig_presencebroadcast`
    pub broadcast: Roles,
    /// `muc#roomconfig_getmemberlist`
    pub member_list: Roles,
    /// `muc#roomconfig_enablelogging`: what is said may be shown publicly.
    pub logging: bool,
    /// `muc#roomconfig_enablearchiving`: messages are kept.
    pub archiving: bool,
    /// `muc#maxhistoryfetch`: messages of the past that one who enters may get.
    pub max_history: u32,
    /// `muc#roomconfig_defaulthistorymessages`: those who do not ask get so many.
    pub default_history: u32,
}

/// Which codes of XEP-0045 §10.2.1 a change calls for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// In ascending order.
    pub codes: Vec<u16>,
}

impl Config {
    /// Messages are kept: otherwise a message writes nothing.
    pub fn keeps_messages(&self) -> bool {
        self.archiving && self.max_history > 0
    }

    /// What changes from this configuration to another, as occupants are told.
    pub fn changes(&self, new: &Self) -> Changes {
        let mut codes = Vec::new();
        // The two that are about privacy have codes of their own; compared without them, what is
        // left is "any other".
        let like_new = Self { logging: new.logging, whois: new.whois, ..self.clone() };
        if like_new != *new {
            codes.push(104);
        }
        if self.logging != new.logging {
            codes.push(if new.logging { 170 } else { 171 });
        }
        if self.whois != new.whois {
            codes.push(if new.whois == Whois::Anyone { 172 } else { 173 });
        }
        Changes { codes }
    }

    /// The form as an owner sees it, filled in.
    pub fn form(&self, room: &str, settings: &Settings) -> Form {
        use FieldKind::{Boolean, ListMulti, ListSingle, TextPrivate, TextSingle};
        let flag = |var: &str, label: &str, value: bool| {
            Field::new(Boolean, format!("muc#roomconfig_{var}")).label(label).flag(value)
        };
        let text = |var: &str, label: &str, value: &str| {
            Field::new(TextSingle, format!("muc#roomconfig_{var}")).label(label).value(value)
        };
        let roles = |var: &str, label: &str, value: Roles| {
            let field = Field::new(ListMulti, format!("muc#roomconfig_{var}")).label(label);
            field
                .values(value.words())
                .option("moderator", "Moderators")
                .option("participant", "Participants")
                .option("visitor", "Visitors")
        };
        let mut private = Field::new(ListSingle, "muc#roomconfig_allowpm")
            .label("Who may send private messages")
            .value(self.private.as_str());
        for (word, _, label) in Private::WORDS {
            private = private.option(word, label);
        }
        let whois = Field::new(ListSingle, "muc#roomconfig_whois")
            .label("Who may see real addresses")
            .value(match self.whois {
                Whois::Moderators => "moderators",
                Whois::Anyone => "anyone",
            })
            .option("moderators", "Moderators only")
            .option("anyone", "Anyone");
        Form::new(FormKind::Form, Some(ns::MUC_ROOMCONFIG))
            .title(format!("Configuration of {room}"))
            .field(text("roomname", "Name", &self.name))
            .field(text("roomdesc", "Description", &self.description))
            .field(text("lang", "Language", &self.lang))
            .field(flag("persistentroom", "Stays when nobody is there", self.persistent))
            .field(flag("publicroom", "Is listed publicly", self.public))
            .field(flag("passwordprotectedroom", "Needs a password", self.password.is_some()))
            .field(
                Field::new(TextPrivate, "muc#roomconfig_roomsecret")
                    .label("Password")
                    .value(self.password.as_deref().unwrap_or_default()),
            )
            .field(flag("membersonly", "Only members may enter", self.members_only))
            .field(flag("moderatedroom", "Newcomers have no voice", self.moderated))
            .field(whois)
            .field(flag(
                "changesubject",
                "Participants may change the subject",
                self.subject_by_participants,
            ))
            .field(flag("allowinvites", "Participants may invite others", self.invites))
            .field(private)
            .field(max_users(self.max_users, settings))
            .field(roles("presencebroadcast", "Roles whose presence is shown", self.broadcast))
            .field(roles("getmemberlist", "Roles that may read the member list", self.member_list))
            .field(flag("enablelogging", "What is said may be shown publicly", self.logging))
            .field(flag("enablearchiving", "Messages are kept", self.archiving))
            .field(number("muc#maxhistoryfetch", "Messages of the past at most", self.max_history))
            .field(number(
                "muc#roomconfig_defaulthistorymessages",
                "Messages of the past for those who do not ask",
                self.default_history,
            ))
            .field(text("pubsub", "Address of an associated publish-subscribe node", &self.pubsub))
    }

    /// The configuration after a submission: what is not among its fields stays, fields that are
    /// unknown are passed over (case by case as XEP-0004 §3.2 asks), and anything that cannot be
    /// accepted refuses the whole (XEP-0045 §10.1.3).
    pub fn submitted(&self, form: &Form, settings: &Settings) -> Result<Self, Refusal> {
        let shown = self.form("", settings);
        let mut new = self.clone();
        let mut protect = None;
        let mut secret = None;
        for field in &form.fields {
            let Some(var) = field.var.as_deref().map(short) else { continue };
            if is_choice(var) && field.text().trim().is_empty() {
                continue;
            }
            // What a room was given while it was allowed, it may keep. The switch says something
            // about a new password too.
            let of_old = |old: &&Field| old.var.as_deref().map(short) == Some(var);
            let old = shown.fields.iter().find(of_old);
            if var != "passwordprotectedroom" && old.is_some_and(|old| old.lines() == field.lines())
            {
                continue;
            }
            match var {
                "roomname" => new.name = name(field, settings.max_name)?,
                "roomdesc" => new.description = bounded(field, settings.max_description)?,
                "lang" => new.lang = language(field)?,
                "pubsub" => new.pubsub = bounded(field, 1024)?,
                "persistentroom" => new.persistent = field.boolean()?,
                "publicroom" => new.public = field.boolean()?,
                "passwordprotectedroom" => protect = Some(field.boolean()?),
                "roomsecret" => secret = Some(bounded(field, settings.max_password)?),
                "membersonly" => new.members_only = field.boolean()?,
                "moderatedroom" => new.moderated = field.boolean()?,
                "whois" => {
                    new.whois = match field.word(&["moderators", "anyone"])? {
                        "anyone" => Whois::Anyone,
                        _ => Whois::Moderators,
                    };
                }
                "changesubject" => new.subject_by_participants = field.boolean()?,
                "allowinvites" => new.invites = field.boolean()?,
                "allowpm" => {
                    new.private = Private::parse(field.text().trim()).ok_or_else(|| {
                        unacceptable(field, "anyone, participants, moderators or none")
                    })?;
                }
                "maxusers" => new.max_users = read_max_users(field, settings)?,
                "presencebroadcast" => new.broadcast = Roles::read(field)?,
                "getmemberlist" => new.member_list = Roles::read(field)?,
                "enablelogging" => new.logging = field.boolean()?,
                "enablearchiving" | "mam" => new.archiving = field.boolean()?,
                "muc#maxhistoryfetch" | "maxhistoryfetch" | "historylength" => {
                    new.max_history = read_number(field, settings.max_history)?;
                }
                "defaulthistorymessages" => {
                    new.default_history = read_number(field, settings.max_history)?;
                }
                _ => {}
            }
        }
        // §10.1.3. Whoever gives a password and does not say what it is for wants it to be asked for.
        let given = secret.as_ref().is_some_and(|secret| !secret.trim().is_empty());
        let protect = protect.unwrap_or(given || self.password.is_some());
        let secret = secret.or_else(|| self.password.clone()).unwrap_or_default();
        if protect && secret.trim().is_empty() {
            return Err(Refusal::new(Condition::NotAcceptable, "muc.config.blank-password")
                .text("A room with a password needs one that is not blank"));
        }
        new.password = protect.then_some(secret);
        Ok(new)
    }
}

/// The name of a field, without what nearly all of them begin with.
fn short(var: &str) -> &str {
    var.strip_prefix("muc#roomconfig_").unwrap_or(var)
}

/// A field that has one of some values: where there is none, nothing was chosen. Of others nothing
/// is a value too.
fn is_choice(var: &str) -> bool {
    !matches!(
        var,
        "roomname"
            | "roomdesc"
            | "lang"
            | "pubsub"
            | "roomsecret"
            | "maxusers"
            | "presencebroadcast"
            | "getmemberlist"
    )
}

fn number(var: &str, label: &str, value: u32) -> Field {
    let method = annex_stanza::form::Method::Basic;
    Field::new(FieldKind::TextSingle, var)
        .label(label)
        .value(value.to_string())
        .datatype("xs:integer", method)
}

/// XEP-0045 §16.5.3: a list; an open one, so that any number may be given.
fn max_users(value: u32, settings: &Settings) -> Field {
    let mut field = Field::new(FieldKind::ListSingle, "muc#roomconfig_maxusers")
        .label("Occupants at most")
        .value(if value == 0 { "none".to_owned() } else { value.to_string() })
        .datatype("xs:integer", annex_stanza::form::Method::Open);
    let mut counts = vec![10, 20, 50, 100, 200, 500, 1000, 2000, 5000];
    counts.retain(|count| settings.max_users == 0 || *count <= settings.max_users);
    // One that holds is always among them, however it came to hold.
    if let (1.., Err(place)) = (value, counts.binary_search(&value)) {
        counts.insert(place, value);
    }
    for count in counts {
        field = field.option(count.to_string(), count.to_string());
    }
    field.option("none", "As many as the service allows")
}

fn read_max_users(field: &Field, settings: &Settings) -> Result<u32, Refusal> {
    let text = field.text().trim();
    if text.is_empty() || text == "none" || text == "0" {
        return Ok(0);
    }
    let limit = if settings.max_users == 0 { u32::MAX } else { settings.max_users };
    let count = text.parse().ok().filter(|count| (1..=limit).contains(count));
    count.ok_or_else(|| unacceptable(field, &format!("a number from 1 to {limit}, or none")))
}

fn read_number(field: &Field, max: u32) -> Result<u32, Refusal> {
    let number = field.number(0, u64::from(u32::MAX))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX).min(max))
}

fn bounded(field: &Field, max: usize) -> Result<String, Refusal> {
    let text = field.lines();
    if text.len() > max {
        return Err(unacceptable(field, &format!("at most {max} bytes")));
    }
    Ok(text)
}

/// A room is listed by its name as an occupant by his nickname: one line, and nothing in it that
/// cannot be seen.
fn name(field: &Field, max: usize) -> Result<String, Refusal> {
    let name = bounded(field, max)?.split_whitespace().collect::<Vec<_>>().join(" ");
    if !name.is_empty() && annex_stanza::nick::check_visible(&name).is_err() {
        return Err(unacceptable(field, "no control, invisible or directional characters"));
    }
    Ok(name)
}

/// A language tag (RFC 5646 §2.1), or nothing.
fn language(field: &Field) -> Result<String, Refusal> {
    let tag = bounded(field, 64)?.trim().to_owned();
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if tag.is_empty() || tag.split('-').all(is_part) && tag.as_bytes()[0].is_ascii_alphabetic() {
        return Ok(tag);
    }
    Err(unacceptable(field, "a language tag such as en or pt-BR"))
}

fn unacceptable(field: &Field, expected: &str) -> Refusal {
    let var = field.var.as_deref().unwrap_or_default();
    Refusal::new(Condition::NotAcceptable, "muc.config.value")
        .text(format!("{var}: expected {expected}"))
}
