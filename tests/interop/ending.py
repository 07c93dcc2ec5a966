"""An end that leaves nothing behind, whichever way it comes.

The work is done by a child process, in a temporary directory of its own. We do
nothing but wait, for its end or for a signal, so that no moment is a wrong one
for the signal to come. What the child has not put away itself is ended and
removed here: we inherit all that it started.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NEWS = (*SIGNALS, signal.SIGCHLD)
GRACE = 20.0  # seconds for the child to put away what it has

# prctl(2)
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


class Asked(SystemExit):
    """Someone has asked us to end, with Ctrl-C or a signal."""


def tidily(work):
    """Do `work`; return its exit code when no process and no file of it is left."""
    signal.pthread_sigmask(signal.SIG_BLOCK, NEWS)
    place = tempfile.mkdtemp(prefix="annex-", dir=_where())
    Path(place).chmod(0o755)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    us = os.getpid()
    child = os.fork()
    if child == 0:
        # Out of reach of Ctrl-C, which comes to us; where we are killed, it is told.
        os.setsid()
        _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        sys.exit(_work_in(place, work) if os.getppid() == us else 1)
    try:
        return _attend(child)
    finally:
        _end_orphans()
        shutil.rmtree(place, ignore_errors=True)


def _where():
    """Where temporary files go: open to the users to whom servers belong, and a short name.

    A path that is a socket's may have 107 bytes, of which some 70 come below.
    """
    usual = Path(tempfile.gettempdir()).resolve()
    is_open = os.geteuid() != 0 or all(one.stat().st_mode & 0o001 for one in (usual, *usual.parents))
    return usual if is_open and len(os.fsencode(usual)) <= 36 else "/tmp"


def _work_in(place, work):
    """The child: a signal unwinds it, so that every `with` is left properly."""

    def end(number, _frame):
        # Only the first does: what has begun to tidy up is not interrupted in it.
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        raise Asked(128 + number)

    tempfile.tempdir = os.environ["TMPDIR"] = place
    try:
        for one in SIGNALS:
            signal.signal(one, end)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, NEWS)
        return work()
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _attend(child):
    """Wait for the child and hand a signal on to it; return its exit code."""
    asked, deadline = None, float("inf")
    while True:
        came = signal.sigtimedwait(NEWS, min(max(0.0, deadline - time.monotonic()), 3600.0))
        if came is None and time.monotonic() >= deadline:
            os.kill(child, signal.SIGKILL)
            deadline = float("inf")
        elif came and came.si_signo in SIGNALS and not asked:
            asked, deadline = came.si_signo, time.monotonic() + GRACE
            os.kill(child, signal.SIGTERM)
        ended, status = os.waitpid(-1, os.WNOHANG)
        while ended and ended != child:
            ended, status = os.waitpid(-1, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if asked and code:
                return 128 + asked
            return code if code >= 0 else 128 - code


def _end_orphans():
    """End all that is still below us. Whoever loses its parent thereby becomes our child."""
    with contextlib.suppress(ChildProcessError):
        while True:
            for one in _children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            os.waitpid(-1, 0)


def _children():
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it may have ended by now
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid():
                yield int(stat.parent.name)


def _prctl(option, value):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")
