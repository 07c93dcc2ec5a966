"""A program for people, in a terminal of tmux that we type into and read."""

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


class Terminal:
    """One running program. Use it as an asynchronous context manager."""

    name = ""  # of the program

    def __init__(self):
        self.home = Path(tempfile.mkdtemp(prefix=f"annex-{self.name}-"))
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
            self._run("new-session", "-d", "-x", "160", "-y", "45", *self.command())
            await self.log_in()
        except BaseException:
            self._end()
            raise
        return self

    async def __aexit__(self, *_):
        self._end()

    # What each program does in its own way.

    def command(self):
        """What starts it, word by word."""
        return [find(self.name)]

    async def log_in(self):
        """What a person does before it is ready."""
        raise NotImplementedError

    # What a person does.

    def type(self, line):
        """Type a line and press Enter."""
        self.put(line)
        self.press("Enter")

    def put(self, text):
        self._run("send-keys", "-l", "--", text)

    def press(self, key):
        self._run("send-keys", key)

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
                raise TimedOut(f"{self.name} did not show {text!r}, but:\n{screen}")
            await asyncio.sleep(PAUSE)

    def _end(self):
        with contextlib.suppress(subprocess.CalledProcessError):  # it may have ended by itself
            program = self._run("list-panes", "-F", "#{pane_pid}").stdout.strip()
            self._run("kill-server")
            until(lambda: not Path("/proc", program, "exe").exists(), f"{self.name} ending")
        shutil.rmtree(self.home, ignore_errors=True)

    def _run(self, *words):
        return subprocess.run(
            [*self._tmux, *words], env=self._environment, capture_output=True, text=True, check=True, timeout=10
        )
