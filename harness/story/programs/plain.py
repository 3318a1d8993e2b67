"""A plain program: it connects, and the kernel chooses the port."""

import socket


def connect(kind, destination):
    client = socket.socket(socket.AF_INET, kind)
    client.connect(destination)
    return client
