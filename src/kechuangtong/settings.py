"""Settings: environment variables `KCT_…`, with the embedded default where nothing is set."""

import ipaddress
import os
import re
import secrets
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import limits
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from kechuangtong.accounts.permissions import Role
from kechuangtong.core.language import Text

Counted = Literal["address", "caller", "sign_in"]
"""Whose calls are counted: those of an address without a sign-in, those of a user or an API key,
an address's attempts to sign in."""

_RATES_IN_PRODUCTION: Final[dict[Counted, str]] = {
    "address": "600/minute",
    "caller": "1200/minute",
    "sign_in": "20/minute",
}
_RATE = Text("须形如 600/minute，或 none", "must be like 600/minute, or none")
_SMTP = Text(
    "须形如 smtp://用户:密码@主机:端口 或 smtps://…",
    "must be like smtp://user:password@host:port, or smtps://…",
)
_FROM = Text(
    "发信须有发件地址，如 科创通 <no-reply@example.cn>",
    "mail needs a sender, like Kechuangtong <no-reply@example.cn>",
)
_PROXIES = Text("须为以逗号分隔的地址或网段", "must be addresses or networks, with commas")
_ORIGINS = Text(
    "须为以逗号分隔的来源，如 https://www.example.cn",
    "must be origins like https://www.example.cn, with commas",
)

_ALLOWED = Text(
    "须为以逗号分隔的网段、地址或主机名，如 10.0.0.0/8,hooks.internal",
    "must be networks, addresses or hosts like 10.0.0.0/8,hooks.internal, with commas",
)


def _listed(text: str | None) -> list[str]:
    return [one.strip() for one in (text or "").split(",") if one.strip()]


def _rate(text: str) -> str:
    if text != "none":
        try:
            limits.parse(text)
        except ValueError:
            raise ValueError(_RATE) from None
    return text


def _smtp(url: SecretStr) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        right = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        right = False
    if not right:
        raise ValueError(_SMTP)
    return url


def _proxies(text: str) -> str:
    try:
        for one in _listed(text):
            ipaddress.ip_network(one)
    except ValueError:
        raise ValueError(_PROXIES) from None
    return text


def _origins(text: str) -> str:
    if not all(re.fullmatch(r"\*|https?://[^/*?#@]+", one) for one in _listed(text)):
        raise ValueError(_ORIGINS)
    return text


def _allowed(text: str) -> str:
    for one in _listed(text):
        try:
            ipaddress.ip_network(one)
        except ValueError:
            if not re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]*[A-Za-z-][A-Za-z0-9-]*)*", one):
                raise ValueError(_ALLOWED) from None
    return text


Rate = Annotated[str, AfterValidator(_rate)]


class OidcProvider(BaseModel):
    """An institution's identity provider (OpenID Connect). Who comes from it for the first time
    gets the role in the organization, which is named by code, id or name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,30}$")]
    title: str
    issuer: Annotated[
        str, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])", max_length=300)
    ]
    client_id: str
    client_secret: SecretStr
    organization: str
    role: Role = Role.MEMBER


class Settings(BaseSettings):
    """What a deployment may choose. Sizes are in bytes unless their name says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="KCT_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    environment: Literal["development", "production"] = "development"
    data_dir: Path = Path("data")
    database_url: Annotated[
        str | None, Field(pattern=r"^(sqlite\+aiosqlite|postgresql(\+psycopg)?)://", repr=False)
    ] = None
    search: Literal["embedded", "meilisearch"] = "embedded"
    # Of one server, or of several that are to hold the same, with commas between them.
    meilisearch_url: str | None = None
    meilisearch_key: SecretStr | None = None
    meilisearch_timeout_seconds: float = 1.5
    # Read by `migrate` alone, which makes the two keys with it.
    meilisearch_master_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    # A sign-in lasts for its refresh days beyond its last use, in access tokens of minutes each.
    token_minutes: int = 30
    refresh_days: int = 30
    sign_in_failures: Annotated[int, Field(ge=1)] = 5
    sign_in_lock_minutes: Annotated[int, Field(ge=1)] = 15
    # Where people reach this service: what links in mails begin with.
    public_url: Annotated[str, Field(pattern=r"^https?://")] = "http://127.0.0.1:8000"
    oidc_providers: list[OidcProvider] = []
    # Whether records are reviewed before publication, where an organization has no rule of its own.
    review: bool = False

    # The package's own model, an OpenAI-compatible endpoint, or none: matching on words alone.
    embeddings: Literal["packaged", "endpoint", "none"] = "packaged"
    embeddings_url: str | None = None
    embeddings_model: str | None = None
    embeddings_key: SecretStr | None = None

    # smtp://user:password@host:port, with STARTTLS where the server has it and always where there
    # is a password, or smtps://…; without it mails stay in the database (`mail list`).
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp)] | None = None
    mail_from: Annotated[str | None, Field(validate_default=True)] = None

    # Calls that are let through, like 600/minute, or none: no limit (in development the default).
    rate_per_address: Rate | None = None
    rate_per_caller: Rate | None = None
    rate_sign_in: Rate | None = None
    # Proxies that are believed who calls: addresses and networks, with commas between them.
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] | None = None
    # Sites whose pages may call, like https://www.example.cn, with commas between them.
    cors_origins: Annotated[str, AfterValidator(_origins)] | None = None
    # Where webhooks may go though it is not in the public net, or by http: networks, addresses and
    # hosts, with commas between them.
    webhooks_allow: Annotated[str, AfterValidator(_allowed)] | None = None
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
        return _listed(self.meilisearch_url)

    @property
    def proxies(self) -> list[str]:
        """The addresses and networks of trusted proxies."""
        return _listed(self.trusted_proxies)

    @property
    def origins(self) -> list[str]:
        """The sites whose pages may call."""
        return _listed(self.cors_origins)

    @property
    def webhooks_allowed(self) -> list[str]:
        """The networks and hosts that webhooks may go to though others may not."""
        return _listed(self.webhooks_allow)

    @property
    def rates(self) -> dict[Counted, limits.RateLimitItem]:
        """The limits that hold."""
        given: dict[Counted, str | None] = {
            "address": self.rate_per_address,
            "caller": self.rate_per_caller,
            "sign_in": self.rate_sign_in,
        }
        usual = _RATES_IN_PRODUCTION if self.environment == "production" else {}
        texts = {counted: text or usual.get(counted, "none") for counted, text in given.items()}
        return {counted: limits.parse(text) for counted, text in texts.items() if text != "none"}

    @field_validator("mail_from")
    @classmethod
    def _mail_has_a_sender(cls, sender: str | None, info: ValidationInfo) -> str | None:
        if sender is None and info.data.get("smtp_url") is None:
            return None
        if "@" not in parseaddr(sender or "")[1] or len((sender or "").splitlines()) != 1:
            raise ValueError(_FROM)
        return sender

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
