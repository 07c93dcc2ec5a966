"""Waiting for something to become true, with a deadline and never just for time to pass."""

import random
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


# Ports that the kernel gives to nobody by itself, on a Linux as it comes.
PORTS = range(16384, 32768)
_taken = []


def free_ports(count):
    """So many different loopback ports that nobody listens on, and that are ours until we end.

    A name without a file, which vanishes with us, tells the other runs on this
    machine that a port is taken before anyone listens on it.
    """
    ports = []
    for port in random.sample(PORTS, len(PORTS)):
        if len(ports) == count:
            break
        with socket.socket() as probe:
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0annex-test-port-{port}")
                probe.bind(("127.0.0.1", port))
            except OSError:
                claim.close()
                continue
        _taken.append(claim)
        ports.append(port)
    return ports
