#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""nfs-relay.py PORT COMMAND...: each connection to PORT of the loopback becomes standard input and output of a COMMAND."""
import socket
import subprocess
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("ready", flush=True)
while True:
    connection, _ = listener.accept()
    subprocess.run(sys.argv[2:], stdin=connection, stdout=connection, check=False)
    print("ended", flush=True)
    connection.close()
