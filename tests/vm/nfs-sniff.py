#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""nfs-sniff.py DEVICE FILE: what passes the device is appended to the file."""
import socket
import sys

s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind((sys.argv[1], 0))
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
with open(sys.argv[2], "ab", buffering=0) as out:
    print("ready", flush=True)
    while True:
        out.write(s.recv(65536))
