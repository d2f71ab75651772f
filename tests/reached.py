"""Whether something reached a server of a test."""

from __future__ import annotations


def was_reached(server):
    """Tell whether a connection waits to be accepted: the kernel makes it without the server's doing."""
    server.setblocking(False)
    try:
        connection, _ = server.accept()
    except BlockingIOError:
        return False
    connection.close()
    return True
