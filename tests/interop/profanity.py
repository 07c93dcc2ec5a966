"""profanity, a client for people."""

from .terminal import Terminal


class Profanity(Terminal):
    name = "profanity"

    def __init__(self, jid, password, port):
        super().__init__()
        self.jid, self.password, self.port = jid, password, port

    async def log_in(self):
        await self.shows("Type '/help'")
        # Loopback: there is nothing that encryption would keep from anyone.
        self.type(f"/connect {self.jid} server 127.0.0.1 port {self.port} tls disable")
        await self.shows("Enter password")
        self.type(self.password)
        await self.shows("logged in successfully")
