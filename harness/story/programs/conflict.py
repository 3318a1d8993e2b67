"""Two sockets that want one 4-tuple: the same source, port and destination."""

import ctypes
import errno
import select
import socket

libc = ctypes.CDLL(None, use_errno=True)


def outcome(call, *arguments):
    try:
        call(*arguments)
        return "ok"
    except OSError as error:
        return errno.errorcode[error.errno]


def disconnect(client):
    """connect(2) to AF_UNSPEC, which Python has no call for."""
    if libc.connect(client.fileno(), bytes(16), 16) != 0:
        raise OSError(ctypes.get_errno(), "connect")


def pair(kind):
    for name in ("first", "second"):
        client = socket.socket(socket.AF_INET, kind)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        print(f"{name}: bind 50000:", outcome(client.bind, ("127.0.0.1", 50000)))
        print(f"{name}: connect:", outcome(client.connect, ("127.0.0.1", 20007)))
        yield client


print("TCP")
first, second = pair(socket.SOCK_STREAM)
print("second: bind 50001:", outcome(second.bind, ("127.0.0.1", 50001)))
print("second: disconnect:", outcome(disconnect, second))
print("second: bind 50001:", outcome(second.bind, ("127.0.0.1", 50001)))
print("second: has port:", second.getsockname()[1])

print("UDP")
clients = first, second = list(pair(socket.SOCK_DGRAM))
answers = {first: 0, second: 0}
for client in clients:
    client.send(b"Which port do you see?")
    readable, _, _ = select.select(clients, [], [])
    for receiver in readable:
        receiver.recv(5)
        answers[receiver] += 1
print("first: sent 1, was answered:", answers[first])
print("second: sent 1, was answered:", answers[second])
