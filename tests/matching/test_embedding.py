"""Vectors from an endpoint: in batches, tried again where it is busy, checked."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from kechuangtong.matching import embedding
from kechuangtong.matching.embedding import EmbeddingEndpoint, EmbeddingFailed


@dataclass
class Endpoint:
    """An endpoint whose vectors tell the number in a text; `statuses` are answered first."""

    url: str = ""
    dimensions: int = 384
    statuses: list[int] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setattr(embedding, "_PAUSES", (0.0, 0.0))
    told = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            told.requests.append(request)
            told.keys.append(self.headers["Authorization"])
            status = told.statuses.pop(0) if told.statuses else 200
            data = [
                {
                    "index": at,
                    "embedding": [float(text.split()[-1])] + [1.0] * (told.dimensions - 1),
                }
                for at, text in enumerate(request["input"])
            ]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps({"data": data[::-1]}).encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield told
        server.shutdown()


def test_many_texts_go_in_batches_and_come_back_in_order(endpoint: Endpoint) -> None:
    model = EmbeddingEndpoint(endpoint.url, "m", "secret")
    with closing(model._client):
        rows = model.embed("query", [f"文本 {n}" for n in range(70)])
    assert [len(one["input"]) for one in endpoint.requests] == [32, 32, 6]
    assert endpoint.requests[0]["input"][1] == "query: 文本 1"
    assert endpoint.keys == ["Bearer secret"] * 3
    assert rows.shape == (70, 384)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(70), abs=1e-5)
    assert np.argsort(rows[:, 0]).tolist() == list(range(70))


def test_a_busy_endpoint_is_asked_again_and_a_broken_one_is_not(endpoint: Endpoint) -> None:
    model = EmbeddingEndpoint(endpoint.url, "m", None)
    with closing(model._client):
        endpoint.statuses = [503, 429]
        assert len(model.embed("passage", ["文本 1"])) == 1
        endpoint.statuses = [503, 503, 503]
        with pytest.raises(EmbeddingFailed):
            model.embed("passage", ["文本 1"])
        asked = len(endpoint.requests)
        endpoint.statuses = [401]
        with pytest.raises(EmbeddingFailed):
            model.embed("passage", ["文本 1"])
        assert len(endpoint.requests) == asked + 1


def test_vectors_of_another_length_are_refused(endpoint: Endpoint) -> None:
    endpoint.dimensions = 768
    model = EmbeddingEndpoint(endpoint.url, "m", None)
    with closing(model._client), pytest.raises(EmbeddingFailed, match="not 384"):
        model.embed("passage", ["文本 1"])


def test_an_endpoint_that_is_not_there_fails_soon() -> None:
    model = EmbeddingEndpoint("http://127.0.0.1:1/v1", "m", None)
    with closing(model._client), pytest.raises(EmbeddingFailed):
        model.embed("passage", ["文本 1"])
