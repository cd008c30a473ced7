"""Keeps what is posted to 127.0.0.1:8025, one JSON document a line: who is told of a failure.

Runs on a machine of the deploy tests by itself: `postbox.py FILE`.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

FILE = Path(sys.argv[1])


class Box(BaseHTTPRequestHandler):
    """Takes everything."""

    def do_POST(self) -> None:
        """Keep one message."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with FILE.open("a", encoding="ascii") as file:
            file.write(json.dumps(message) + "\n")
        self.send_response(200)
        self.end_headers()


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", 8025), Box).serve_forever()
