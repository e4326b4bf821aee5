"""A small HTTP server of JSON, for stand-ins of services."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Json", "JsonResponse", "serve_json"]

Json = dict[str, Any]
JsonResponse = tuple[int, Json]


@contextmanager
def serve_json(
    respond: Callable[[str, Mapping[str, str]], JsonResponse | None],
    put: Callable[[str, Json], JsonResponse | None] | None = None,
) -> Iterator[str]:
    """Serves GETs by `respond(target, headers)` and PUTs by `put(target, body)`; None closes the connection. Yields the
    server's URL."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 256  # many connect at once; the default, 5, drops some

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._send(respond(self.path, dict(self.headers)))

        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._send(put(self.path, json.loads(body)) if put else (405, {}))

        def _send(self, response: JsonResponse | None) -> None:
            if response is None:
                self.close_connection = True
                return
            status, body = response
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
