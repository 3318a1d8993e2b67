"""Connects by one approach, and holds the connections until its standard input ends.

    client.py plain|search|options tcp|udp COUNT ADDRESS...

COUNT times to each address, or until it cannot. Prints one line for each address: the source ports that
the other end saw and said (peers.ts), and the errno that came after them; then "holding". The getppid(2) before and after
each connect does nothing but let whoever traces us tell the connects apart.
"""

import errno
import importlib
import os
import socket
import sys

approach = importlib.import_module(sys.argv[1])
transport, count, addresses = sys.argv[2], int(sys.argv[3]), sys.argv[4:]
kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}[transport]
held = []


def connect(address):
    os.getppid()
    try:
        return approach.connect(kind, (address, 20007))
    finally:
        os.getppid()


def ask(client):
    if transport == "udp":
        client.send(b"Which port do you see?")
    return client.recv(5).decode()


for address in addresses:
    line = f"{transport} to {address} from"
    for _ in range(count):
        try:
            held.append(connect(address))
        except OSError as error:
            line += f" {errno.errorcode[error.errno]}"
            break
        line += f" {ask(held[-1])}"
    print(line, flush=True)
print("holding", flush=True)
sys.stdin.read()
