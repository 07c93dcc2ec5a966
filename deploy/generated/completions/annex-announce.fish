# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_annex_announce_global_optspecs
    string join \n c/config= json domain= v/verbose q/quiet log-format= h/help V/version
end

function __fish_annex_announce_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_annex_announce_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_annex_announce_using_subcommand
    set -l cmd (__fish_annex_announce_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c annex-announce -n "__fish_annex_announce_needs_command" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_needs_command" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_needs_command" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_needs_command" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -s V -l version -d 'Print version'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "run" -d 'Run in the foreground until told to stop (the default)'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "check" -d 'Look for what is wrong, and say what to do about it'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "init" -d 'Write a configuration and a secret, and print what to add to the server'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "status" -d 'Show how the running process is'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "probe" -d 'Succeed if the process runs and is connected; for health checks'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "stop" -d 'Stop the running process, and wait until it has ended'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "reload" -d 'Read the configuration again; what it changes is told'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "reconnect" -d 'Leave the server and connect anew'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "log-level" -d 'Change the level of the log until the next reload or restart'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "backup" -d 'Write everything stored to one file, while the process runs or not'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "restore" -d 'Put a backup in place; the process must not run'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "export" -d 'Write everything stored as lines of JSON'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "import" -d 'Read lines of JSON that export has written; the process must not run'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "person" -d 'What is stored about one person'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "audit" -d 'What moderators, admins and operators did'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "config" -d 'The configuration'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "completions" -d 'Print completions for a shell'
complete -c annex-announce -n "__fish_annex_announce_needs_command" -f -a "man" -d 'Print a manual page'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand run" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand run" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand run" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand run" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand run" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand run" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -l backup -d 'Check that this backup can be restored' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -l connect -d 'Connect to the server once, and look at DNS and certificate of the subdomain'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -l strict -d 'Warnings fail too'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -l server -d 'The server that it attaches to; without it, what to add is printed for both' -r -f -a "prosody\t'Prosody'
ejabberd\t'ejabberd'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -l admin -d 'Who may run commands from a client, such as admin@example.com; may be repeated' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -l directory -d 'Where to write, instead of the directory of --config' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -l port -d 'The server\'s component port; without it 5347 with Prosody, which has one for all components, and one of this program\'s own with ejabberd' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand status" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand status" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand status" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand status" -l watch -d 'Show it again every two seconds'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand status" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand status" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand status" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand probe" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand probe" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand probe" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand probe" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand probe" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand probe" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand probe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand stop" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand stop" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand stop" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand stop" -l final -d 'It will not come back soon: tell those who use it'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand stop" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand stop" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand stop" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand stop" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reload" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reload" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reload" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reload" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reload" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reload" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reload" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reconnect" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reconnect" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reconnect" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reconnect" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reconnect" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reconnect" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand reconnect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand log-level" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand log-level" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand log-level" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand log-level" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand log-level" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand log-level" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand log-level" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand backup" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand backup" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand backup" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand backup" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand backup" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand backup" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand backup" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand restore" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand restore" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand restore" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand restore" -l force -d 'Replace what is stored now'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand restore" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand restore" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand restore" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand restore" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand export" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand export" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand export" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand export" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand export" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand export" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand import" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand import" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand import" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand import" -l force -d 'Replace what is stored now'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand import" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand import" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand import" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand import" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -f -a "show" -d 'Show everything stored about someone'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and not __fish_seen_subcommand_from show forget" -f -a "forget" -d 'End sessions; remove affiliations, registrations, subscriptions'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from show" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from show" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from show" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from show" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from forget" -l messages -d 'What becomes of messages' -r -f -a "keep\t'They stay'
tombstone\t'A mark says that there was one'
delete\t'They are deleted'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from forget" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from forget" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from forget" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from forget" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from forget" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from forget" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand person; and __fish_seen_subcommand_from forget" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -l limit -d 'Entries at most' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -l before -d 'Only entries before this stamp' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand audit" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -f -a "example" -d 'Print an example with every setting and its default'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and not __fish_seen_subcommand_from example show" -f -a "show" -d 'Print the settings in force, without secrets'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from example" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from example" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from example" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from example" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from example" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from example" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from example" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from show" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from show" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from show" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from show" -l origin -d 'Say where each value comes from'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand completions" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand completions" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand completions" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand completions" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand completions" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand completions" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand man" -s c -l config -d 'The configuration; without it /etc/annex/NAME.toml' -r -F
complete -c annex-announce -n "__fish_annex_announce_using_subcommand man" -l domain -d 'Which domain; needed where there are several' -r
complete -c annex-announce -n "__fish_annex_announce_using_subcommand man" -l log-format -d 'How lines of the log are written' -r -f -a "text\t'Text'
json\t'JSON'"
complete -c annex-announce -n "__fish_annex_announce_using_subcommand man" -l json -d 'Answer as JSON, for programs'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand man" -s v -l verbose -d 'Log more: once debug, twice trace'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand man" -s q -l quiet -d 'Log warnings and errors only'
complete -c annex-announce -n "__fish_annex_announce_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
