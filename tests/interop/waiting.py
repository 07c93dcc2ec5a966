"""Waiting for something to become true, with a deadline and never just for time to pass."""

import socket
import time

# How long anything may take that needs no person. Generous: the machine may be
# busy, and nobody waits this long unless something is broken.
PATIENCE = 30.0

# Between two looks at something that cannot tell us when it changes.
PAUSE = 0.02


class TimedOut(AssertionError):
    """What was waited for did not happen."""


def until(condition, what, patience=PATIENCE):
    """Ask `condition` again and again; return its first true answer."""
    deadline = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimedOut(f"waited {patience:g} s in vain for {what}")
        time.sleep(PAUSE)


def accepts(port):
    """Whether someone listens on this loopback port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count):
    """So many different loopback ports that nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
