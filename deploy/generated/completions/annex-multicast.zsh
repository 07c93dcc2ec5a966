#compdef annex-multicast

autoload -U is-at-least

_annex-multicast() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_annex-multicast_commands" \
"*::: :->annex-multicast" \
&& ret=0
    case $state in
    (annex-multicast)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:annex-multicast-command-$line[1]:"
        case $line[1] in
            (run)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(check)
_arguments "${_arguments_options[@]}" : \
'--backup=[Check that this backup can be restored]:FILE:_files' \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--connect[Connect to the server once, and look at DNS and certificate of the subdomain]' \
'--strict[Warnings fail too]' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(init)
_arguments "${_arguments_options[@]}" : \
'--server=[The server that it attaches to; without it, what to add is printed for both]:SERVER:((prosody\:"Prosody"
ejabberd\:"ejabberd"))' \
'*--admin=[Who may run commands from a client, such as admin@example.com; may be repeated]:JID:_default' \
'--directory=[Where to write, instead of the directory of --config]:PATH:_files' \
'--port=[The server'\''s component port; without it 5347 with Prosody, which has one for all components, and one of this program'\''s own with ejabberd]:PORT:_default' \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':domain -- The subdomain to serve, such as rooms.example.com:_default' \
&& ret=0
;;
(status)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--watch[Show it again every two seconds]' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(probe)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(stop)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--final[It will not come back soon\: tell those who use it]' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(reload)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(reconnect)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(log-level)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':level -- Such as debug, or info,annex_daemon\:\:link=debug:_default' \
&& ret=0
;;
(backup)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The file to write; it must not exist:_files' \
&& ret=0
;;
(restore)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--force[Replace what is stored now]' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The backup:_files' \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::file -- The file to write; standard output if none is given, or -:_files' \
&& ret=0
;;
(import)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--force[Replace what is stored now]' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':file -- The file; - for standard input:_files' \
&& ret=0
;;
(person)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
":: :_annex-multicast__subcmd__person_commands" \
"*::: :->person" \
&& ret=0

    case $state in
    (person)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:annex-multicast-person-command-$line[1]:"
        case $line[1] in
            (show)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':jid -- The person'\''s address:_default' \
&& ret=0
;;
(forget)
_arguments "${_arguments_options[@]}" : \
'--messages=[What becomes of messages]:MESSAGES:((keep\:"They stay"
tombstone\:"A mark says that there was one"
delete\:"They are deleted"))' \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':jid -- The person'\''s address:_default' \
&& ret=0
;;
        esac
    ;;
esac
;;
(audit)
_arguments "${_arguments_options[@]}" : \
'--limit=[Entries at most]:LIMIT:_default' \
'--before=[Only entries before this stamp]:STAMP:_default' \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(config)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
":: :_annex-multicast__subcmd__config_commands" \
"*::: :->config" \
&& ret=0

    case $state in
    (config)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:annex-multicast-config-command-$line[1]:"
        case $line[1] in
            (example)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--origin[Say where each value comes from]' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
        esac
    ;;
esac
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':shell -- Which shell:(bash elvish fish powershell zsh)' \
&& ret=0
;;
(man)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::page -- Which page:((program\:"The program'\''s"
config\:"The settings of its configuration"))' \
&& ret=0
;;
(lists)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
":: :_annex-multicast__subcmd__lists_commands" \
"*::: :->lists" \
&& ret=0

    case $state in
    (lists)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:annex-multicast-lists-command-$line[1]:"
        case $line[1] in
            (list)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::arguments -- NAME=VALUE for each argument; values without a name go to those that have none:_default' \
&& ret=0
;;
(show)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::arguments -- NAME=VALUE for each argument; values without a name go to those that have none:_default' \
&& ret=0
;;
(create)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::arguments -- NAME=VALUE for each argument; values without a name go to those that have none:_default' \
&& ret=0
;;
(delete)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::arguments -- NAME=VALUE for each argument; values without a name go to those that have none:_default' \
&& ret=0
;;
(add)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::arguments -- NAME=VALUE for each argument; values without a name go to those that have none:_default' \
&& ret=0
;;
(remove)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::arguments -- NAME=VALUE for each argument; values without a name go to those that have none:_default' \
&& ret=0
;;
(open)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::arguments -- NAME=VALUE for each argument; values without a name go to those that have none:_default' \
&& ret=0
;;
(owners)
_arguments "${_arguments_options[@]}" : \
'-c+[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--config=[The configuration; without it /etc/annex/NAME.toml]:PATH:_files' \
'--domain=[Which domain; needed where there are several]:DOMAIN:_default' \
'--log-format=[How lines of the log are written]:FORMAT:((text\:"Text"
json\:"JSON"))' \
'--json[Answer as JSON, for programs]' \
'*-v[Log more\: once debug, twice trace]' \
'*--verbose[Log more\: once debug, twice trace]' \
'(-v --verbose)-q[Log warnings and errors only]' \
'(-v --verbose)--quiet[Log warnings and errors only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'*::arguments -- NAME=VALUE for each argument; values without a name go to those that have none:_default' \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_annex-multicast_commands] )) ||
_annex-multicast_commands() {
    local commands; commands=(
'run:Run in the foreground until told to stop (the default)' \
'check:Look for what is wrong, and say what to do about it' \
'init:Write a configuration and a secret, and print what to add to the server' \
'status:Show how the running process is' \
'probe:Succeed if the process runs and is connected; for health checks' \
'stop:Stop the running process, and wait until it has ended' \
'reload:Read the configuration again; what it changes is told' \
'reconnect:Leave the server and connect anew' \
'log-level:Change the level of the log until the next reload or restart' \
'backup:Write everything stored to one file, while the process runs or not' \
'restore:Put a backup in place; the process must not run' \
'export:Write everything stored as lines of JSON' \
'import:Read lines of JSON that export has written; the process must not run' \
'person:What is stored about one person' \
'audit:What moderators, admins and operators did' \
'config:The configuration' \
'completions:Print completions for a shell' \
'man:Print a manual page' \
'lists:Commands about lists' \
    )
    _describe -t commands 'annex-multicast commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__audit_commands] )) ||
_annex-multicast__subcmd__audit_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast audit commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__backup_commands] )) ||
_annex-multicast__subcmd__backup_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast backup commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__check_commands] )) ||
_annex-multicast__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast check commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__completions_commands] )) ||
_annex-multicast__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast completions commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__config_commands] )) ||
_annex-multicast__subcmd__config_commands() {
    local commands; commands=(
'example:Print an example with every setting and its default' \
'show:Print the settings in force, without secrets' \
    )
    _describe -t commands 'annex-multicast config commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__config__subcmd__example_commands] )) ||
_annex-multicast__subcmd__config__subcmd__example_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast config example commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__config__subcmd__show_commands] )) ||
_annex-multicast__subcmd__config__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast config show commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__export_commands] )) ||
_annex-multicast__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast export commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__import_commands] )) ||
_annex-multicast__subcmd__import_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast import commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__init_commands] )) ||
_annex-multicast__subcmd__init_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast init commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists_commands] )) ||
_annex-multicast__subcmd__lists_commands() {
    local commands; commands=(
'list:Lists of recipients' \
'show:Show a list' \
'create:Create a list' \
'delete:Delete a list' \
'add:Add members to a list' \
'remove:Remove members from a list' \
'open:Let anyone write to a list' \
'owners:Set the owners of a list' \
    )
    _describe -t commands 'annex-multicast lists commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists__subcmd__add_commands] )) ||
_annex-multicast__subcmd__lists__subcmd__add_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast lists add commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists__subcmd__create_commands] )) ||
_annex-multicast__subcmd__lists__subcmd__create_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast lists create commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists__subcmd__delete_commands] )) ||
_annex-multicast__subcmd__lists__subcmd__delete_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast lists delete commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists__subcmd__list_commands] )) ||
_annex-multicast__subcmd__lists__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast lists list commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists__subcmd__open_commands] )) ||
_annex-multicast__subcmd__lists__subcmd__open_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast lists open commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists__subcmd__owners_commands] )) ||
_annex-multicast__subcmd__lists__subcmd__owners_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast lists owners commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists__subcmd__remove_commands] )) ||
_annex-multicast__subcmd__lists__subcmd__remove_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast lists remove commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__lists__subcmd__show_commands] )) ||
_annex-multicast__subcmd__lists__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast lists show commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__log-level_commands] )) ||
_annex-multicast__subcmd__log-level_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast log-level commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__man_commands] )) ||
_annex-multicast__subcmd__man_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast man commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__person_commands] )) ||
_annex-multicast__subcmd__person_commands() {
    local commands; commands=(
'show:Show everything stored about someone' \
'forget:End sessions; remove affiliations, registrations, subscriptions' \
    )
    _describe -t commands 'annex-multicast person commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__person__subcmd__forget_commands] )) ||
_annex-multicast__subcmd__person__subcmd__forget_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast person forget commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__person__subcmd__show_commands] )) ||
_annex-multicast__subcmd__person__subcmd__show_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast person show commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__probe_commands] )) ||
_annex-multicast__subcmd__probe_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast probe commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__reconnect_commands] )) ||
_annex-multicast__subcmd__reconnect_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast reconnect commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__reload_commands] )) ||
_annex-multicast__subcmd__reload_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast reload commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__restore_commands] )) ||
_annex-multicast__subcmd__restore_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast restore commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__run_commands] )) ||
_annex-multicast__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast run commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__status_commands] )) ||
_annex-multicast__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast status commands' commands "$@"
}
(( $+functions[_annex-multicast__subcmd__stop_commands] )) ||
_annex-multicast__subcmd__stop_commands() {
    local commands; commands=()
    _describe -t commands 'annex-multicast stop commands' commands "$@"
}

if [ "$funcstack[1]" = "_annex-multicast" ]; then
    _annex-multicast "$@"
else
    compdef _annex-multicast annex-multicast
fi
