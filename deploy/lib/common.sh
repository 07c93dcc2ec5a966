# shellcheck shell=bash
# What the project's shell scripts share. Source it; it runs nothing.

ANNEX_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
export HOME=${HOME:-~}
ANNEX_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/annex
export ANNEX_VENV=$ANNEX_CACHE/venv
export PATH="$PATH:${CARGO_HOME:-$HOME/.cargo}/bin"

say() { printf '%s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# have PROGRAM: is it there? Looks where Debian puts system programs too, which
# are not on every user's path.
have() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

# attend COMMAND…: run it. A signal to us ends it first, and all that it has started.
attend() {
    local child='' asked='' before code
    before=$(trap -p INT TERM HUP)
    trap 'asked=yes; [ -z "$child" ] || terminate "$child"' INT TERM HUP
    (trap - INT && "$@") & # what runs in the background is deaf to Ctrl-C otherwise
    child=$!
    [ -z "$asked" ] || terminate "$child"
    while
        code=0
        wait "$child" || code=$?
        kill -0 "$child" 2>/dev/null
    do :; done
    trap - INT TERM HUP
    eval "$before"
    [ -z "$asked" ] || exit 130
    return "$code"
}

# terminate PID: ask a process to end, with all below it, and wait a moment for
# that. Each is held first, so that it starts nothing while we look.
terminate() {
    local all=("$1") next=0 tries=100
    while [ "$next" -lt "${#all[@]}" ]; do
        kill -STOP "${all[next]}" 2>/dev/null || true
        # shellcheck disable=SC2207 # numbers
        all+=($(cat "/proc/${all[next]}/task/"*/children 2>/dev/null)) || true
        next=$((next + 1))
    done
    kill "${all[@]}" 2>/dev/null || true
    kill -CONT "${all[@]}" 2>/dev/null || true
    while [ "$((tries -= 1))" -gt 0 ] && kill -0 "${all[@]:1}" 2>/dev/null; do sleep 0.05; done
}

# as_root COMMAND…: run it as root, through sudo where we are someone else.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        die "this needs root, and there is no sudo: $*"
    fi
}

# use_programs: have ANNEX_BIN_DIR name the built programs, absolutely; where it
# is not set, in the place that cargo builds them.
use_programs() {
    ANNEX_BIN_DIR=${ANNEX_BIN_DIR:-${CARGO_TARGET_DIR:-$ANNEX_ROOT/target}/release}
    [ -d "$ANNEX_BIN_DIR" ] || die "no directory $ANNEX_BIN_DIR: cargo build --release -p annex"
    ANNEX_BIN_DIR=$(cd "$ANNEX_BIN_DIR" && pwd)
    export ANNEX_BIN_DIR
}
