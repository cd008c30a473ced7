"""A server that takes what apprise posts, for tests of alerts."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

SECRET = "k3y-of-the-test-listener-7781"


class Listener:
    """A server that takes what apprise posts."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.refuses = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                is_refused = outer.refuses > 0
                outer.refuses -= is_refused
                if not is_refused:
                    outer.got.append(msgspec.json.decode(content))
                self.send_response(503 if is_refused else 200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))  # noqa: TID251 - a server of a test
        self.thread.start()

    @property
    def url(self) -> str:
        return f"json://user:{SECRET}@127.0.0.1:{self.server.server_port}/{SECRET}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
