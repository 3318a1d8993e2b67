"""Bind before connect: try each port in turn, with a socket for each."""

import errno
import socket

LOW, HIGH = 50000, 50003
TAKEN = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)


def connect(kind, destination):
    for port in range(LOW, HIGH + 1):
        client = socket.socket(socket.AF_INET, kind)
        try:
            if kind == socket.SOCK_STREAM:  # For UDP nothing would notice a conflict.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            client.bind(("127.0.0.1", port))
            client.connect(destination)
            return client
        except OSError as error:
            client.close()
            if error.errno not in TAKEN:
                raise
    raise OSError(errno.EADDRNOTAVAIL, "every port is taken")
