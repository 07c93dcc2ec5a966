//! `init`: a configuration, a secret, and what to add to the server.

use std::{
    fs::{OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use annex_stanza::Jid;

use crate::{
    cli::{Asked, arguments::Server},
    config::{
        example::{Filled, example},
        value::quote,
    },
    exit::{Exit, Failure},
    out, secret,
};

pub(crate) fn init(
    asked: &Asked<'_>,
    domain: &str,
    server: Option<Server>,
    directory: Option<&Path>,
    port: u16,
) -> Result<Exit, Failure> {
    let usage = |text: String| Failure::new(Exit::Usage, text);
    let jid =
        Jid::parse(domain).ok().filter(|jid| jid.local().is_none() && jid.resource().is_none());
    let Some(jid) = jid.filter(|jid| !jid.as_str().contains([' ', '"', '\\', '{', '}'])) else {
        return Err(usage(format!(
            "{}: expected a domain such as rooms.example.com",
            quote(domain)
        )));
    };
    let config = match directory {
        Some(directory) => directory.join(asked.program.section).with_extension("toml"),
        None => asked.config_file(),
    };
    let config = std::path::absolute(&config).map_err(|error| usage(error.to_string()))?;
    let secret_file = config.with_extension("secret");
    for path in [&config, &secret_file] {
        if path.exists() {
            return Err(usage(format!("{} is there already; nothing was changed", path.display())));
        }
    }
    let secret = secret::generate().map_err(|why| Failure::new(Exit::Failed, why))?;
    let filled = Filled {
        jid: Some(jid.as_str().to_owned()),
        secret_file: Some(secret_file.display().to_string()),
        port: Some(port),
        store: None,
        foreign_from: asked.program.keeps_from.then_some(true),
    };
    write(&secret_file, &format!("{secret}\n"))?;
    write(&config, &example(asked.program, &filled))?;
    out::line(format!("wrote {} and {} (mode 0640)\n", config.display(), secret_file.display()));
    let servers = match server {
        Some(server) => vec![server],
        None => vec![Server::Prosody, Server::Ejabberd],
    };
    for server in servers {
        out::line(snippet(server, jid.as_str(), &secret, port, asked.program.keeps_from));
    }
    out::line(next(asked, &config, jid.as_str()));
    Ok(Exit::Ok)
}

fn write(path: &PathBuf, text: &str) -> Result<(), Failure> {
    let named = |error: std::io::Error| {
        Failure::new(
            Exit::Failed,
            format!("{}: {error} (run as root, or use --directory)", path.display()),
        )
    };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory).map_err(named)?;
    }
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o640).open(path).map_err(named)?;
    // Whatever the mask says: the service's group is to read it.
    file.set_permissions(Permissions::from_mode(0o640))
        .and_then(|()| file.write_all(text.as_bytes()))
        .and_then(|()| file.sync_all())
        .map_err(named)
}

/// What to add to the server's configuration.
pub(crate) fn snippet(
    server: Server,
    jid: &str,
    secret: &str,
    port: u16,
    keeps_from: bool,
) -> String {
    // What is passed on keeps the address of who sent it.
    let line = |text: &str| if keeps_from { format!("{text}\n") } else { String::new() };
    match server {
        Server::Prosody => {
            let port_line = if port == 5347 {
                String::new()
            } else {
                format!("component_ports = {{ {port} }} -- among the settings at the top\n\n")
            };
            format!(
                "Add to /etc/prosody/prosody.cfg.lua, at the end, then restart Prosody\n\
                 (a reload does not start a new Component):\n\
                 \n\
                 {port_line}Component \"{jid}\"\n\
                 \x20   component_secret = \"{secret}\"\n{}",
                line("    validate_from_addresses = false"),
            )
        }
        Server::Ejabberd => format!(
            "Add to /etc/ejabberd/ejabberd.yml, under listen:, then `ejabberdctl reload_config`.\n\
             Each component needs a listener and a port of its own:\n\
             \n\
             \x20 - port: {port}\n\
             \x20   ip: 127.0.0.1\n\
             \x20   module: ejabberd_service\n\
             \x20   global_routes: false\n{}\
             \x20   hosts:\n\
             \x20     {jid}: {{password: \"{secret}\"}}\n",
            line("    check_from: false"),
        ),
    }
}

fn next(asked: &Asked<'_>, config: &Path, jid: &str) -> String {
    let name = asked.program.name;
    let option =
        if config == Path::new("/etc/annex").join(asked.program.section).with_extension("toml") {
            String::new()
        } else {
            format!(" --config {}", config.display())
        };
    format!(
        "\nThen:\n\
         \x20 chgrp annex {0} {1}   # the group of the service's user, where there is one\n\
         \x20 {name}{option} check --connect\n\
         \x20 systemctl enable --now {name}          # or: {name}{option} run\n\
         \x20 {name}{option} status\n\
         \n\
         People on other servers reach {jid} only if DNS knows it (A or AAAA, or SRV\n\
         _xmpp-server._tcp.{jid}) and the server's certificate names it.\n\
         `check --connect` tells.",
        config.display(),
        config.with_extension("secret").display(),
    )
}
