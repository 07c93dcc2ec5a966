"""What the runners promise of themselves: above all, that nothing stays behind.

    python -m interop.selftest [-v] [-f] [-k WORD]

Each run gets a temporary directory and a mark in its environment, which
everything that it starts inherits.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from . import ending
from .annex import ROOT, binaries
from .servers import SERVERS
from .waiting import until

MARK = "ANNEX_SELFTEST"
LONG = 300.0  # seconds; nobody waits that long unless something is broken


class Run:
    """One command, as someone starts it in a terminal of their own."""

    def __init__(self, *words, root=ROOT, **options):
        self.place = tempfile.TemporaryDirectory(prefix="a b ")
        Path(self.place.name).chmod(0o755)
        self.target = tempfile.TemporaryDirectory()
        # Not a pipe, which what is left behind would keep open.
        self.output = Path(self.target.name, "output")
        self.mark = secrets.token_hex(8)
        program = Path(root, words[0]) if "/" in words[0] else words[0]
        environment = {
            MARK: self.mark,
            "TMPDIR": self.place.name,  # with blanks in its name, for that has to do, too
            "CARGO_TARGET_DIR": self.target.name,
            "ANNEX_BIN_DIR": str(binaries().resolve()),
        }
        with self.output.open("wb") as output:
            self.popen = subprocess.Popen(
                [program, *words[1:]],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **environment},
                **options,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.processes():
            os.kill(one, signal.SIGKILL)
        self.popen.wait()
        self.place.cleanup()
        self.target.cleanup()

    @property
    def said(self):
        return self.output.read_text()

    def says(self, text):
        """Wait until it says this."""
        until(lambda: text in self.said or self.popen.poll() is not None, f"{text!r}", LONG)
        if text not in self.said:
            raise AssertionError(f"it never said {text!r}, but:\n{self.said}")

    def ends(self):
        """Wait for its end; return its exit code."""
        return self.popen.wait(LONG)

    def processes(self):
        """Which processes bear its mark."""
        mark, found = f"{MARK}={self.mark}".encode(), []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):  # it has ended, or is another's
                if mark in environment.read_bytes().split(b"\0"):
                    found.append(int(environment.parent.name))
        return found

    def named(self, name):
        """How many of them there are with this name."""
        count = 0
        for one in self.processes():
            with contextlib.suppress(OSError):
                count += Path(f"/proc/{one}/comm").read_text() == f"{name}\n"
        return count

    def children(self, pid):
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def left(self):
        """What is left of it."""
        return self.processes(), [one.name for one in Path(self.place.name).iterdir()]


class Ending(unittest.TestCase):
    NOTHING = ([], [])

    def test_a_conversation_leaves_nothing(self):
        for server in SERVERS:
            with self.subTest(server=server), Run("deploy/try", "--once", "--server", server) as run:
                self.assertEqual((run.ends(), run.left()), (0, self.NOTHING), run.said)

    def test_a_signal_in_any_phase_of_try_leaves_nothing(self):
        phases = ("starting {}", "starting annex-muc", "* juliet came in", "Ctrl-C ends it all")
        for server in SERVERS:
            for phase in phases:
                for number in (signal.SIGINT, signal.SIGTERM):
                    with (
                        self.subTest(server=server, phase=phase, signal=number),
                        Run("deploy/try", "--server", server) as run,
                    ):
                        run.says(phase.format(server))
                        run.popen.send_signal(number)
                        wanted = 0 if phase == phases[-1] else 128 + number
                        self.assertEqual((run.ends(), run.left()), (wanted, self.NOTHING), run.said)

    def test_a_signal_while_installing_or_building_leaves_nothing(self):
        # In place of the real ones: they have a child, and take their time.
        takes_its_time = "#!/bin/sh\nsleep 600 &\nsleep 600\n"
        knows_nothing = "#!/bin/sh\nexit 1\n"
        goes_on = '#!/bin/sh\nexec "$@"\n'
        phases = {
            "installing": {"dpkg-query": knows_nothing, "sudo": goes_on, "apt-get": takes_its_time},
            "building": {"cargo": takes_its_time},
        }
        for phase, programs in phases.items():
            with tempfile.TemporaryDirectory() as place:
                for name, text in programs.items():
                    Path(place, name).write_text(text)
                    Path(place, name).chmod(0o755)
                path = f"PATH={place}:{os.environ['PATH']}"
                for number in (signal.SIGINT, signal.SIGTERM):
                    with (
                        self.subTest(phase=phase, signal=number),
                        Run("env", path, "ANNEX_BIN_DIR=", ROOT / "deploy/try", "--once") as run,
                    ):
                        run.says(phase)
                        until(lambda: run.named("sleep") == 2, "its two processes", LONG)
                        run.popen.send_signal(number)
                        self.assertEqual((run.ends(), run.left()), (130, self.NOTHING), run.said)

    def test_a_signal_to_the_scenarios_leaves_nothing(self):
        for server in SERVERS:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                with self.subTest(server=server, signal=number), Run("tests/interop/run", "--server", server) as run:
                    run.says("  ok ")
                    os.killpg(run.popen.pid, number)  # as a terminal does
                    self.assertEqual((run.ends(), run.left()), (128 + number, self.NOTHING), run.said)

    def test_a_person_at_a_terminal_is_not_left_behind(self):
        with Run("tests/interop/run", "--server", "prosody", "person") as run:
            until(lambda: run.named("profanity"), "profanity", LONG)
            run.popen.terminate()
            self.assertEqual((run.ends(), run.left()), (128 + signal.SIGTERM, self.NOTHING), run.said)

    def test_the_death_of_the_one_who_waits_ends_the_work(self):
        with Run("deploy/try") as run:
            run.says("Ctrl-C ends it all")
            run.popen.kill()
            run.popen.wait()
            until(lambda: run.left() == self.NOTHING, "the end of all", LONG)

    def test_the_death_of_the_one_who_works_leaves_nothing(self):
        with Run("deploy/try") as run:
            run.says("Ctrl-C ends it all")
            (worker,) = run.children(run.popen.pid)
            os.kill(worker, signal.SIGKILL)
            self.assertEqual((run.ends(), run.left()), (128 + signal.SIGKILL, self.NOTHING), run.said)

    def test_what_the_work_forgets_is_ended_and_removed(self):
        work = """if True:
            import pathlib, subprocess, sys, tempfile
            from interop import ending
            def work():
                subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600 & wait"], start_new_session=True)
                pathlib.Path(tempfile.mkdtemp(), "file").touch()
                return 3
            sys.exit(ending.tidily(work))
        """
        with Run(sys.executable, "-c", work, root="/", cwd=ROOT / "tests") as run:
            self.assertEqual((run.ends(), run.left()), (3, self.NOTHING), run.said)

    def test_work_that_does_not_listen_is_ended(self):
        work = """if True:
            import signal, sys, time
            from interop import ending
            ending.GRACE = 0.1
            def work():
                for number in ending.SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
                print("deaf", flush=True)
                time.sleep(600)
            sys.exit(ending.tidily(work))
        """
        with Run(sys.executable, "-c", work, root="/", cwd=ROOT / "tests") as run:
            run.says("deaf")
            run.popen.terminate()
            self.assertEqual((run.ends(), run.left()), (128 + signal.SIGTERM, self.NOTHING), run.said)


class Standing(unittest.TestCase):
    def test_two_at_once_do_not_meet(self):
        with Run("deploy/try") as one, Run("deploy/try") as other:
            for run in (one, other):
                run.says("Ctrl-C ends it all")
                run.popen.terminate()
            self.assertEqual((one.ends(), other.ends()), (0, 0))

    def test_a_directory_with_blanks_and_another_to_start_from(self):
        with tempfile.TemporaryDirectory(prefix="an annex ") as place:
            root = Path(place, "the checkout")
            root.symlink_to(ROOT)
            with Run("deploy/try", "--once", root=root, cwd="/") as run:
                self.assertEqual(run.ends(), 0, run.said)
            with Run("./run", "purity", root=root / "tests", cwd=root / "tests") as run:
                self.assertEqual(run.ends(), 0, run.said)

    def test_a_place_for_temporary_files_with_a_long_name(self):
        with (
            tempfile.TemporaryDirectory(prefix="x" * 100) as place,
            Run("env", f"TMPDIR={place}", ROOT / "deploy/try", "--once") as run,
        ):
            self.assertEqual(run.ends(), 0, run.said)

    @unittest.skipIf(os.geteuid(), "nothing is closed to the server, which is ourselves")
    def test_a_place_for_temporary_files_that_is_closed_to_the_server(self):
        with (
            tempfile.TemporaryDirectory(prefix="x") as place,
            Run("env", f"TMPDIR={place}", ROOT / "deploy/try", "--once") as run,
        ):
            self.assertEqual(run.ends(), 0, run.said)


class Steps(unittest.TestCase):
    """tests/run."""

    def test_an_unknown_step_is_named_with_the_known(self):
        with Run("tests/run", "format", "nonsense") as run:
            self.assertEqual(run.ends(), 1)
            self.assertIn("no step is called nonsense; there are: quick tools", run.said)
            self.assertNotIn("passed", run.said)

    def test_a_step_that_fails_is_named_at_the_end(self):
        with Run("env", f"ANNEX_BIN_DIR={os.devnull}/none", ROOT / "tests/run", "generated", "purity") as run:
            self.assertEqual(run.ends(), 1)
            self.assertIn("no directory /dev/null/none", run.said)
            self.assertRegex(run.said, r"\n1 passed, 1 failed: generated\n$")

    def test_a_signal_to_a_step_ends_all_of_it(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number), Run("tests/run", "try-prosody", "interop-prosody") as run:
                run.says("try-prosody       ok")
                log = Path(run.target.name, "tests/interop-prosody.log")
                until(lambda: log.exists() and "  ok " in log.read_text(), "the first scenario", LONG)
                os.killpg(run.popen.pid, number)
                self.assertEqual((run.ends(), run.left()), (130, ([], [])), run.said)
                self.assertIn("interrupted in interop-prosody", run.said)


if __name__ == "__main__":
    sys.exit(ending.tidily(lambda: not unittest.main(exit=False).result.wasSuccessful()))
