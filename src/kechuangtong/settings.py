"""Settings: environment variables `KCT_…`, with the embedded default where nothing is set."""

import os
import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a deployment may choose. Sizes are in bytes unless their name says otherwise."""

    model_config = SettingsConfigDict(env_prefix="KCT_", frozen=True, extra="ignore")

    environment: Literal["development", "production"] = "development"
    data_dir: Path = Path("data")
    database_url: Annotated[
        str | None, Field(pattern=r"^(sqlite\+aiosqlite|postgresql(\+psycopg)?)://")
    ] = None
    search: Literal["embedded", "meilisearch"] = "embedded"
    # Of one server, or of several that are to hold the same, with commas between them.
    meilisearch_url: str | None = None
    meilisearch_key: SecretStr | None = None
    meilisearch_timeout_seconds: float = 1.5
    # Read by `migrate` alone, which makes the two keys with it.
    meilisearch_master_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    token_minutes: int = 60

    # The package's own model, an OpenAI-compatible endpoint, or none: matching on words alone.
    embeddings: Literal["packaged", "endpoint", "none"] = "packaged"
    embeddings_url: str | None = None
    embeddings_model: str | None = None
    embeddings_key: SecretStr | None = None

    # Attachments: s3://bucket/prefix; without it a folder of the data folder.
    attachments_url: Annotated[str | None, Field(pattern=r"^s3://[^/]+")] = None
    s3_endpoint: str | None = None
    s3_region: str | None = None
    s3_access_key: SecretStr | None = None
    s3_secret_key: SecretStr | None = None

    max_body_size: int = 1_000_000
    max_attachment_size: int = 20_000_000
    max_file_size: int = 50_000_000
    max_rows: int = 100_000
    max_columns: int = 200
    max_query_length: int = 2_000
    index_wait_seconds: float = 60.0

    @property
    def resolved_database_url(self) -> str:
        """The database to use: by default a SQLite file in the data folder."""
        return self.database_url or f"sqlite+aiosqlite:///{self.data_dir / 'kechuangtong.sqlite'}"

    @property
    def uses_sqlite(self) -> bool:
        """Whether the database is an SQLite file."""
        return self.resolved_database_url.startswith("sqlite")

    @property
    def meilisearch_urls(self) -> list[str]:
        """The addresses of the Meilisearch servers."""
        return [one.strip() for one in (self.meilisearch_url or "").split(",") if one.strip()]

    @property
    def index_dir(self) -> Path:
        """The embedded index's folder."""
        return self.data_dir / "index"

    @property
    def uploads_dir(self) -> Path:
        """Where uploaded spreadsheets are kept."""
        return self.data_dir / "uploads"

    @cached_property
    def signing_key(self) -> str:
        """The key that signs tokens; in development made once and kept in the data folder.

        Raises RuntimeError in production where `KCT_SECRET_KEY` is absent or shorter than 32.
        """
        if self.secret_key is not None and len(self.secret_key.get_secret_value()) >= 32:
            return self.secret_key.get_secret_value()
        if self.secret_key is not None or self.environment == "production":
            raise RuntimeError("KCT_SECRET_KEY must be set, to at least 32 characters")
        path = self.data_dir / "secret_key"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text(encoding="ascii")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(key := secrets.token_hex(32))
        return key
