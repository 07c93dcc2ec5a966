-- At the end of /etc/prosody/prosody.cfg.lua; then restart Prosody, for a
-- reload does not bring up a new Component. Take from it what you run.

Component "rooms.example.com"
    component_secret = "a long random secret"

Component "feeds.example.com"
    component_secret = "another long random secret"

Component "multicast.example.com"
    component_secret = "a third long random secret"
    validate_from_addresses = false -- a copy keeps the address of who sent it

Component "announce.example.com"
    component_secret = "a fourth long random secret"
