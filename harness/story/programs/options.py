"""The two socket options: the kernel chooses from our ports, at connect."""

import socket
import struct

IP_BIND_ADDRESS_NO_PORT, IP_LOCAL_PORT_RANGE = 24, 51
LOW, HIGH = 50000, 50003


def connect(kind, destination):
    client = socket.socket(socket.AF_INET, kind)
    ports = struct.pack("=I", HIGH << 16 | LOW)
    client.setsockopt(socket.SOL_IP, IP_LOCAL_PORT_RANGE, ports)
    client.setsockopt(socket.SOL_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    client.bind(("127.0.0.1", 0))
    client.connect(destination)
    return client
