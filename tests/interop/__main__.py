"""The command line: run the scenarios, one server after the other."""

import argparse
import asyncio
import contextlib
import logging
import sys
import time
import traceback

from . import (
    ending,
    scenarios,  # noqa: F401  (registers them)
)
from .annex import PROGRAMS, Component
from .servers import SERVERS
from .world import SCENARIOS, World

LIMIT = 90  # seconds for one scenario


def main():
    options = parse()
    return ending.tidily(lambda: work(options))


def work(options):
    logging.basicConfig(level=logging.CRITICAL)  # the scenarios say what went wrong
    chosen = [one for one in SCENARIOS if not options.words or any(word in one.title for word in options.words)]
    if options.list:
        print("\n".join(one.title for one in chosen))
        return 0
    passed, failed = 0, []
    for name in SERVERS if options.server == "both" else [options.server]:
        print(f"\n{name}" + (", its own rooms" if options.builtin else ""), flush=True)
        with SERVERS[name](builtin=options.builtin) as server, contextlib.ExitStack() as components:
            world = World(server, start(server, components, options.builtin))
            for one in chosen:
                verdict = run(one, world)
                passed += verdict is True
                if verdict is False:
                    failed.append(f"{name}: {one.title}")
    for title in failed:
        print(f"\nfailed: {title}", end="")
    print(f"\n{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


def parse():
    parser = argparse.ArgumentParser(prog="tests/interop/run", description="Scenarios with real servers and clients.")
    parser.add_argument("--server", choices=[*SERVERS, "both"], default="both")
    parser.add_argument("--builtin", action="store_true", help="use the server's own rooms instead of annex-muc")
    parser.add_argument("--list", action="store_true", help="name the scenarios")
    parser.add_argument("words", nargs="*", metavar="WORD", help="run scenarios whose name has one of these")
    return parser.parse_args()


def start(server, stack, builtin):
    """Start the four components, by service. None of them if the server's own rooms stand in."""
    if builtin:
        return {}
    return {service: stack.enter_context(Component(server, service)) for service in PROGRAMS}


def run(one, world):
    """Run one scenario and say how it went: True, False, or None where it does not apply."""
    if world.component is None and (one.needs_annex or world.server.name in one.differs):
        print(f"  skip  {one.title}: {one.differs.get(world.server.name, 'needs annex')}", flush=True)
        return None
    world.name = one.__name__.replace("_", "-")
    began = time.monotonic()
    try:
        asyncio.run(play(one, world))
    except Exception as trouble:
        print(f"  FAIL  {one.title}\n{report(trouble, world)}", flush=True)
        return False
    print(f"  ok    {one.title} ({time.monotonic() - began:.2f} s)", flush=True)
    return True


async def play(one, world):
    try:
        async with asyncio.timeout(LIMIT):
            if world.component:
                await world.ready()
            await one(world)
    finally:
        await world.close_clients()


def report(trouble, world):
    """What went wrong, where in the scenario, and the last words of the program."""
    where = [frame for frame in traceback.extract_tb(trouble.__traceback__) if "/scenarios/" in frame.filename]
    lines = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno}: {frame.line}" for frame in where]
    lines.append(f"{type(trouble).__name__}: {trouble}")
    if world.component:
        lines.append(f"--- {world.component.program}")
        lines += world.component.tail().splitlines()
    return "\n".join(f"        {line}" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
