"""A socket that was refused tries again: another destination has ports left."""

import errno
import socket


def outcome(client, address):
    try:
        client.connect((address, 20007))
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


clients = [socket.socket() for _ in range(5)]
for client in clients:
    print("connect to 127.0.0.1:", outcome(client, "127.0.0.1"))
print("the last one to 127.0.0.2:", outcome(clients[-1], "127.0.0.2"))
