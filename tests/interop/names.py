"""As much of the DNS as a server asks to find another: where the XMPP server of a domain is (RFC 2782)."""

import socket
import struct
import threading

SERVICE = b"_xmpp-server._tcp."
SRV, IN = 33, 1
FOUND, UNKNOWN = 0x8180, 0x8183  # an answer, without and with "no such name"


class Names:
    """Answers on a loopback port that these domains, and what is below them, are at these ports."""

    def __init__(self, ports):
        self._ports = {domain.encode(): port for domain, port in ports.items()}
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _serve(self):
        while True:
            try:
                question, asker = self._socket.recvfrom(4096)
                self._socket.sendto(self._answer(question), asker)
            except OSError:
                return
            except (IndexError, struct.error):
                continue  # no question

    def _answer(self, question):
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length])
            at += 1 + length
        asked = question[12 : at + 5]
        kind, _class = struct.unpack("!HH", asked[-4:])
        port = self._port(b".".join(labels)) if kind == SRV else None
        header = question[:2] + struct.pack("!5H", FOUND if port else UNKNOWN, 1, 1 if port else 0, 0, 0)
        if port is None:
            return header + asked
        data = struct.pack("!3H", 0, 0, port) + b"\x09localhost\0"
        # The name is that of the question, 12 bytes from the beginning.
        return header + asked + struct.pack("!HHHIH", 0xC00C, SRV, IN, 60, len(data)) + data

    def _port(self, name):
        if not name.startswith(SERVICE):
            return None
        name = b"." + name.removeprefix(SERVICE)
        return next((port for domain, port in self._ports.items() if name.endswith(b"." + domain)), None)
