#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A small mirror on 127.0.0.1 that can misbehave.

lpp-server.py DIR PORTFILE LOGFILE CONTROL

It serves DIR, honours Range, and appends "STATUS BYTES PATH" to LOGFILE for each request. CONTROL is read at each
request for a .deb: "ok"; "cut N": N bytes of the body are sent, then the connection is closed; "stall N": N bytes, then
silence; "flip": the last byte of the body is wrong.
"""
import http.server
import os
import sys
import time

ROOT, PORTFILE, LOGFILE, CONTROL = sys.argv[1:5]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def note(self, status, sent):
        with open(LOGFILE, "a", encoding="ascii") as log:
            log.write(f"{status} {sent} {self.path}\n")

    def do_GET(self):
        path = ROOT + self.path.replace("%2b", "+").replace("%3a", ":").replace("%7e", "~")
        if not os.path.isfile(path):
            self.send_response(404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.note(404, 0)
            return
        with open(path, "rb") as file:
            body = file.read()
        size, start = len(body), 0
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes="):
            start = int(wanted[len("bytes="):].split("-")[0])
        if start >= size:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            self.note(416, 0)
            return
        mode, limit = "ok", size
        if path.endswith(".deb"):
            with open(CONTROL, encoding="ascii") as control:
                words = control.read().split()
            mode = words[0]
            if len(words) > 1:
                limit = int(words[1])
        if mode == "flip":
            body = body[:-1] + bytes([body[-1] ^ 1])
        body = body[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", self.date_time_string(int(os.stat(path).st_mtime)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self.end_headers()
        if mode in ("cut", "stall"):
            body = body[:limit]
        self.wfile.write(body)
        self.wfile.flush()
        self.note(206 if start else 200, len(body))
        if mode == "stall":
            time.sleep(60)
        if mode in ("cut", "stall"):
            self.close_connection = True


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(PORTFILE + ".new", "w", encoding="ascii") as port:
    port.write(str(server.server_address[1]))
os.rename(PORTFILE + ".new", PORTFILE)
server.serve_forever()
