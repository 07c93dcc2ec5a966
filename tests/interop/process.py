"""One program that we started: its output in a file, its end by its process id."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from .waiting import TimedOut, until


def user_for(name):
    """The system user to run a server as: `name` where we are root, else ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def give(directory, user):
    """Make a directory and hand it to `user`."""
    directory.mkdir(exist_ok=True)
    if user:
        os.chown(directory, user.pw_uid, user.pw_gid)


class Process:
    """A program in a session of its own, so that ending it ends what it started."""

    def __init__(self, argv, log, user=None, env=None, cwd=None):
        self.argv = [str(word) for word in argv]
        self.log = Path(log)
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                **({"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}),
            )
        self.pid = self._popen.pid

    @property
    def running(self):
        return self._popen.poll() is None

    @property
    def returncode(self):
        return self._popen.poll()

    def wait_for(self, condition, what):
        """Wait for `condition`, and say at once if the program has ended instead."""

        def look():
            if not self.running:
                raise AssertionError(f"{self.argv[0]} ended with {self.returncode}:\n{self.tail()}")
            return condition()

        try:
            return until(look, f"{self.argv[0]}: {what}")
        except TimedOut as late:
            raise TimedOut(f"{late}\n{self.tail()}") from None

    def stop(self, grace=15.0):
        """Ask it to end, insist after `grace` seconds; return its exit code."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(grace)
        return self.kill()

    def kill(self):
        """End it, and all it started, now; return its exit code."""
        self._signal(signal.SIGKILL)
        return self._popen.wait()

    def tail(self, lines=30):
        """The last lines of what it has written."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def find(program):
    """Where a program is, also where only root's path would find it."""
    path = shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise SystemExit(f"{program} is not installed: run deploy/install-deps")
    return path
