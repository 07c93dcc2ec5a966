"""profanity, a client for people, in a terminal of tmux that we type into and read."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from .process import find
from .waiting import PATIENCE, PAUSE, TimedOut, until


class Profanity:
    """One running profanity. Use it as an asynchronous context manager."""

    def __init__(self, jid, password, port):
        self.jid, self.password, self.port = jid, password, port
        self.home = Path(tempfile.mkdtemp(prefix="annex-profanity-"))
        # A tmux of our own, so that no other is touched, with no one's settings.
        self._tmux = [find("tmux"), "-u", "-S", self.home / "tmux", "-f", os.devnull]
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "TMUX"))},
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm-256color",
        }

    async def __aenter__(self):
        try:
            self._run("new-session", "-d", "-x", "160", "-y", "45", find("profanity"))
            await self.shows("Type '/help'")
            # Loopback: there is nothing that encryption would keep from anyone.
            self.type(f"/connect {self.jid} server 127.0.0.1 port {self.port} tls disable")
            await self.shows("Enter password")
            self.type(self.password)
            await self.shows("logged in successfully")
        except BaseException:
            self._end()
            raise
        return self

    async def __aexit__(self, *_):
        self._end()

    def type(self, line):
        """Type a line and press Enter."""
        self._run("send-keys", "-l", "--", line)
        self._run("send-keys", "Enter")

    def screen(self):
        """What a person sees now."""
        return self._run("capture-pane", "-p").stdout

    async def shows(self, text, patience=PATIENCE):
        """Wait until the screen shows this text; return the screen."""
        deadline = time.monotonic() + patience
        while True:
            screen = self.screen()
            if text in screen:
                return screen
            if time.monotonic() > deadline:
                raise TimedOut(f"profanity did not show {text!r}, but:\n{screen}")
            await asyncio.sleep(PAUSE)

    def _end(self):
        with contextlib.suppress(subprocess.CalledProcessError):  # it may have ended by itself
            profanity = self._run("list-panes", "-F", "#{pane_pid}").stdout.strip()
            self._run("kill-server")
            until(lambda: not Path("/proc", profanity, "exe").exists(), "profanity ending")
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, *words):
        return subprocess.run(
            [*self._tmux, *words], env=self._environment, capture_output=True, text=True, check=True, timeout=10
        )
