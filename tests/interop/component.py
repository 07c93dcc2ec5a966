"""The least that is a component: a socket and the handshake of XEP-0114 §3."""

import hashlib
import re
import socket


def attach(port, address, secret):
    """Attach to a server as `address`; return the socket, or raise with the server's words."""
    link = socket.create_connection(("127.0.0.1", port), timeout=10)
    link.sendall(
        b"<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept'"
        b" xmlns:stream='http://etherx.jabber.org/streams' to='" + address.encode() + b"'>"
    )
    opening = _receive(link, rb"<stream:stream[^>]*>")
    stream_id = re.search(r"id=['\"]([^'\"]*)", opening).group(1)
    digest = hashlib.sha1((stream_id + secret).encode()).hexdigest()
    link.sendall(f"<handshake>{digest}</handshake>".encode())
    answer = _receive(link, rb"<handshake ?/>|<handshake></handshake>|</stream:stream>")
    if "<handshake" not in answer:
        link.close()
        raise ConnectionRefusedError(answer)
    return link


def _receive(link, pattern):
    """Read until `pattern` has come or the server has closed."""
    text = b""
    while not re.search(pattern, text):
        more = link.recv(4096)
        if not more:
            break
        text += more
    return text.decode()
