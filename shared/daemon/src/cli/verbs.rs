//! The component's own verbs, made from its registry: `rooms list`, `rooms show ROOM`.

use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches};
use serde_json::{Map, Value};

use super::{
    Asked,
    arguments::{Cli, VerbArguments},
    client,
};
use crate::{
    exit::{Exit, Failure},
    program::{Program, Verb},
};

/// Words that the program itself understands; a component's verb of that name is not repeated.
fn is_taken(command: &clap::Command, verb: &Verb) -> bool {
    verb.words.len() == 1 && command.find_subcommand(verb.words[0]).is_some()
}

/// Adds the verbs of the component.
pub(super) fn add(program: &Program, mut command: clap::Command) -> clap::Command {
    for verb in &program.verbs {
        if verb.words.len() > 2 || is_taken(&command, verb) {
            continue;
        }
        let leaf = |word: &'static str| {
            // The arguments bring a text of their own.
            VerbArguments::augment_args(clap::Command::new(word)).about(verb.name)
        };
        command = match *verb.words.as_slice() {
            [word] => command.subcommand(leaf(word)),
            [group, word] if command.find_subcommand(group).is_some() => {
                command.mut_subcommand(group, |group| group.subcommand(leaf(word)))
            }
            [group, word] => command.subcommand(
                clap::Command::new(group)
                    .about(format!("Commands about {group}"))
                    .subcommand_required(true)
                    .subcommand(leaf(word)),
            ),
            _ => command,
        };
    }
    command
}

/// A verb that was asked for.
pub(super) struct AskedVerb {
    words: String,
    pub(super) matches: ArgMatches,
    arguments: Vec<String>,
}

/// The component's verb on this command line, if there is one.
pub(super) fn asked(program: &Program, matches: &ArgMatches) -> Option<AskedVerb> {
    let (first, inner) = matches.subcommand()?;
    let (words, leaf) = match inner.subcommand() {
        Some((second, leaf)) => (vec![first, second], leaf),
        None => (vec![first], inner),
    };
    if !program.verbs.iter().any(|verb| verb.words == words) {
        return None;
    }
    let arguments = VerbArguments::from_arg_matches(leaf).ok()?.arguments;
    // Options before, between and behind the words all count; the innermost knows them all.
    Some(AskedVerb { words: words.join(" "), matches: without_subcommand(leaf), arguments })
}

fn without_subcommand(matches: &ArgMatches) -> ArgMatches {
    let mut matches = matches.clone();
    matches.remove_subcommand();
    matches
}

/// Asks the running process.
pub(super) fn run(program: &Program, mut cli: Cli, verb: &AskedVerb) -> Result<Exit, Failure> {
    let (arguments, options) = arguments(&verb.arguments)?;
    cli.json |= options.json;
    cli.domain = options.domain.or(cli.domain);
    cli.config = options.config.or(cli.config);
    let asked = Asked { program, cli: &cli };
    asked.one_domain()?;
    let mut client = client::connect(&asked)?;
    let reply = client::ask(&mut client, &verb.words, Value::Object(arguments))?;
    client::show(&reply, cli.json);
    Ok(Exit::Ok)
}

/// Our own options among the arguments.
#[derive(Debug, Default, PartialEq)]
struct Options {
    json: bool,
    domain: Option<String>,
    config: Option<PathBuf>,
}

/// `name=value`, `--name value`, `--name=value`, `--name` for yes, or a value alone.
fn arguments(words: &[String]) -> Result<(Map<String, Value>, Options), Failure> {
    let mut given = Map::new();
    let mut options = Options::default();
    let mut words = words.iter().peekable();
    while let Some(word) = words.next() {
        let option = if word == "-c" { Some("config") } else { word.strip_prefix("--") };
        if option == Some("json") {
            options.json = true;
            continue;
        }
        let Some(option) = option else {
            // An address may contain `=` in its resource, and a name may not contain `@`.
            let named = word
                .split_once('=')
                .filter(|(name, _)| !name.is_empty() && !name.contains(['@', '/', ' ']));
            let (name, value) = named.unwrap_or(("", word));
            push(&mut given, name, value.to_owned());
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, value.to_owned()),
            // Another option behind it is no value: `--public --json` says yes to `public`.
            None => match words.next_if(|next| !next.starts_with("--")) {
                Some(value) => (option, value.clone()),
                None if matches!(option, "domain" | "config") => {
                    let expected = format!("--{option}: expected a value behind it");
                    return Err(Failure::new(Exit::Usage, expected));
                }
                None => (option, "true".to_owned()),
            },
        };
        match name {
            "domain" => options.domain = Some(value),
            "config" => options.config = Some(value.into()),
            _ => push(&mut given, name, value),
        }
    }
    Ok((given, options))
}

/// A name given twice is a list.
fn push(given: &mut Map<String, Value>, name: &str, value: String) {
    let entry = given.entry(name.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(values) = entry {
        values.push(value.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(words: &[&str]) -> (Value, Options) {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        let (given, options) = arguments(&words).expect("arguments");
        (Value::Object(given), options)
    }

    #[test]
    fn values_have_names_or_go_where_there_is_none() {
        let (given, options) = read(&[
            "lobby@rooms.example.com",
            "reason=spam = bad",
            "--to",
            "a",
            "--to=b",
            "--json",
        ]);
        assert_eq!(
            given,
            json!({ "": ["lobby@rooms.example.com"], "reason": ["spam = bad"], "to": ["a", "b"] })
        );
        assert!(options.json);
    }

    #[test]
    fn an_address_with_an_equals_sign_is_a_value() {
        let (given, _) = read(&["a@b/c=d"]);
        assert_eq!(given, json!({ "": ["a@b/c=d"] }));
    }

    #[test]
    fn an_option_without_a_value_says_yes() {
        let (given, options) = read(&["--public", "--config", "x.toml", "--hidden"]);
        assert_eq!(given, json!({ "public": ["true"], "hidden": ["true"] }));
        assert_eq!(options.config, Some("x.toml".into()));
        assert!(arguments(&["--domain".to_owned()]).is_err());
    }

    #[test]
    fn our_own_options_may_stand_behind_too() {
        let (given, options) =
            read(&["a", "--domain", "rooms.b.example", "-c", "x.toml", "domain=d"]);
        assert_eq!(given, json!({ "": ["a"], "domain": ["d"] }));
        assert_eq!(options.domain.as_deref(), Some("rooms.b.example"));
        assert_eq!(options.config, Some("x.toml".into()));
    }
}
