#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""nfs-door.py ADDRESS PORT LINE [high]: what becomes of a connection that begins with LINE, from a port of root's or, with "high",
another one. An empty LINE is not sent."""
import socket
import sys

address, port, line = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
s.settimeout(10)
for low in range(1023 if len(sys.argv) < 5 else 40023, 600, -1):
    try:
        s.bind(("", low))
        break
    except OSError:
        pass
try:
    s.connect((address, port))
    if line:
        s.sendall(line.encode() + b"\n")
    print("answered" if s.recv(1) else "hung up")
except ConnectionResetError:
    print("hung up")
except ConnectionRefusedError:
    print("nobody listens")
except socket.timeout:
    print("open")
