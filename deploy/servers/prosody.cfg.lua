-- A Prosody for trying and testing: everything on loopback, everything below
-- one directory, no federation. Whoever starts it fills in the names after a
-- dollar sign.

pidfile = "${directory}/prosody.pid"
data_path = "${directory}/data"
log = { { levels = { min = "info" }, to = "console", timestamps = true } }

interfaces = { "127.0.0.1" }
c2s_ports = { ${client_port} }
component_interfaces = { "127.0.0.1" }
component_ports = { ${rooms_port} } -- one port serves all components

modules_enabled = { "disco", "roster", "saslauth", "carbons", "ping", "version", "posix" }
modules_disabled = { "s2s", "tls" }

-- Passwords travel in the clear, which is right on loopback and nowhere else.
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true

VirtualHost "${domain}"

Component "rooms.${domain}"
    component_secret = "${rooms_secret}"

Component "feeds.${domain}"
    component_secret = "${feeds_secret}"

Component "multicast.${domain}"
    component_secret = "${multicast_secret}"
    validate_from_addresses = false -- a copy keeps the address of who sent it

Component "announce.${domain}"
    component_secret = "${announce_secret}"
