"""Two people talk in a room of annex-muc, for someone to watch: the work of deploy/try."""

import argparse
import asyncio
import contextlib
import logging
import sys
import time

from . import ending
from .annex import PROGRAMS, Component
from .servers import SERVERS
from .world import World

ROOM = "lobby"
DIALOGUE = (
    ("romeo", "Good evening. Is anyone here?"),
    ("juliet", "I am. How did you find this room?"),
    ("romeo", "It was annexed to the server only a moment ago."),
    ("juliet", "Then we are the first to talk in it. 🙂"),
)


def main():
    options = parse()
    code = ending.tidily(lambda: work(options))
    say("ended; nothing is left behind")
    return code


def work(options):
    logging.basicConfig(level=logging.CRITICAL)
    say(f"starting {options.server}")
    try:
        with SERVERS[options.server]() as server, contextlib.ExitStack() as stack:
            say("starting " + ", ".join(PROGRAMS.values()))
            components = {service: stack.enter_context(Component(server, service)) for service in PROGRAMS}
            return play(World(server, components), options.once)
    except (AssertionError, OSError) as trouble:  # of starting
        say(f"it did not work: {trouble}")
        return 1


def play(world, once):
    """The conversation, and what comes after it; return the exit code."""
    try:
        asyncio.run(talk(world))
    except Exception as trouble:
        say(f"it did not work: {trouble}")
        for one in (world.server.process, *(component.process for component in world.components.values())):
            say(f"\n--- {one.log.name}\n{one.tail()}")
        return 1
    if once:
        return 0
    with contextlib.suppress(ending.Asked):
        return stay(world)
    return 0


def parse():
    parser = argparse.ArgumentParser(prog="deploy/try", description="Try Annex behind a server of its own.")
    parser.add_argument("--server", choices=SERVERS, default="prosody", help="the XMPP server (default: prosody)")
    parser.add_argument("--once", action="store_true", help="end after the conversation")
    return parser.parse_args()


async def talk(world):
    """The conversation. Each line is spoken when the one before has reached both."""
    room = f"{ROOM}@{world.service}"
    try:
        romeo, juliet = people = {name: await world.client(name) for name in ("romeo", "juliet")}.values()
        for program in PROGRAMS:
            await world.serving(romeo, world.server.address(program))
        say(f"\nroom {room}")
        await romeo.create(room, "romeo", persistentroom=True, roomname="Lobby")
        say("  * romeo made the room and is in it")
        await juliet.enter(room, "juliet")
        await romeo.find(lambda one: one.nick == "juliet", "juliet entering")
        say("  * juliet came in, and romeo saw it")
        for name, text in DIALOGUE:
            speaker = romeo if name == "romeo" else juliet
            speaker.message(room, body=text)
            for listener in people:
                await listener.find(lambda one: one.nick == name and one.body == text, f"“{text}”")
            say(f"  <{name}> {text}")
        await juliet.leave(room, "juliet")
        await romeo.find(lambda one: one.nick == "juliet" and one.type == "unavailable", "juliet leaving")
        say("  * juliet left\n")
    finally:
        await world.close_clients()


def stay(world):
    """Say how to join in, and remain until someone ends it."""
    server, room = world.server, f"{ROOM}@{world.service}"
    name = next(iter(server.passwords))
    say(f"It all stays up for you. The server listens on 127.0.0.1 port {server.client_port}, without encryption.")
    for user, secret in server.passwords.items():
        say(f"  {user}@{server.domain}  password {secret}")
    say("With profanity, for example:")
    say(f"  /connect {name}@{server.domain} server 127.0.0.1 port {server.client_port} tls disable")
    say(f"  /join {room}")
    say("Logs:")
    for log in (server.log, *(component.log for component in world.components.values())):
        say(f"  {log}")
    say("Ctrl-C ends it all and removes it.")
    watched = [server.process, *(component.process for component in world.components.values())]
    while all(one.running for one in watched):
        time.sleep(1)
    ended = next(one for one in watched if not one.running)
    say(f"{ended.argv[0]} ended with {ended.returncode}:\n{ended.tail()}")
    return 1


def say(text):
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
