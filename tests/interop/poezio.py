"""poezio, a client for people, which enters a room as it starts."""

from .process import find, give, user_for
from .terminal import Terminal

CONFIG = """\
[Poezio]
jid = {jid}
password = {password}
rooms = {room}/{nick}
use_remote_bookmarks = false
custom_host = 127.0.0.1
custom_port = {port}
force_encryption = false
ignore_certificate = true
data_dir = {home}/data
log_dir = {home}/log
"""


class Poezio(Terminal):
    name = "poezio"

    def __init__(self, jid, password, port, room, nick):
        super().__init__()
        self.nick = nick
        self.config = self.home / "poezio.cfg"
        self.config.write_text(
            CONFIG.format(jid=jid, password=password, port=port, room=room, nick=nick, home=self.home)
        )

    def command(self):
        words = [find("poezio"), "--file", str(self.config)]
        # It refuses to run as root.
        if user := user_for("nobody"):
            give(self.home, user)
            words = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", *words]
        return words

    async def log_in(self):
        await self.shows("Authentication success")
        self.press("C-n")  # to the next of its tabs, which is the room
        await self.shows(f"You ({self.nick}) joined the room")

    async def say(self, line):
        """Type a line; press Enter when it is there, for what comes at one go counts as pasted."""
        self.put(line)
        await self.shows(line)
        self.press("Enter")
