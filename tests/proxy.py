"""A proxy before a server, which can be made slow, or answer in its place."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx


@dataclass
class Proxy:
    """Passes requests on, after `delay` seconds; `answers` writes itself where it is set."""

    target: str
    port: int = 0
    delay: float = 0.0
    writes_answer: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def proxying(target: str) -> Iterator[Proxy]:
    """A proxy that runs while this is open."""
    proxy = Proxy(target)
    client = httpx.Client(base_url=target, trust_env=False, timeout=60)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            time.sleep(proxy.delay)
            writes = self.command != "GET" and "/documents" in self.path
            if proxy.writes_answer is not None and writes and "fetch" not in self.path:
                self._answer(*proxy.writes_answer)
                return
            kept = {"authorization", "content-type", "accept-encoding"}
            headers = {k: v for k, v in self.headers.items() if k.lower() in kept}
            try:
                answer = client.request(self.command, self.path, content=body, headers=headers)
                self._answer(answer.status_code, answer.content)
            except (httpx.TransportError, RuntimeError):  # the server, or the test, has ended
                self.close_connection = True
                self.connection.close()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass  # noqa: N815

        def _answer(self, status: int, content: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # who asked has gone

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        client.close()
