"""Ports that are kept for somebody who is away, or comes later."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


def held(port: int = 0) -> socket.socket:
    """A socket that has a TCP port (0: any free one) and does not listen: nobody else gets it.

    Whoever binds with SO_REUSEADDR, as every listener of the program does, can listen there beside
    it (Linux: as long as it is the only one who listens).
    """
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, port))
    return holder
