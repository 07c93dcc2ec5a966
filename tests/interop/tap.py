"""A tap between a component and its server: what the component writes, byte for byte."""

import re
import socket
import threading


class Tap:
    """Listens on a port of its own and passes everything on. Use it as a context manager."""

    def __init__(self, port):
        self._server = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._written = bytearray()
        self._sockets = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        for one in [self._listener, *self._sockets]:
            one.close()

    def stanzas(self, name):
        """All stanzas of this name that the component has written, without its own marks."""
        one = rf"<{name} [^>]*/>|<{name}[ >].*?</{name}>"
        found = re.findall(one.encode(), bytes(self._written), re.DOTALL)
        return [one.decode() for one in found if b"urn:annex:mark:0" not in one]

    def clear(self):
        self._written.clear()

    def _accept(self):
        while True:
            try:
                component, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server))
            self._sockets += [component, server]
            threading.Thread(target=self._pass, args=(component, server, self._written), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, component, bytearray()), daemon=True).start()

    @staticmethod
    def _pass(source, sink, kept):
        try:
            while data := source.recv(65536):
                kept += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            sink.close()
