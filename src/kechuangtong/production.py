"""What production refuses: secrets that anyone could guess."""

import re
from typing import Final

from sqlalchemy import make_url, select

from kechuangtong.accounts.hashing import verify_password
from kechuangtong.models import User
from kechuangtong.runtime import Runtime
from kechuangtong.sample.service import PASSWORD, USERS
from kechuangtong.settings import Settings

_MASTER_KEY_BYTES: Final = 16
_SECRET_CHARACTERS: Final = 8
# Words of examples, and of those who have not thought of one yet.
_EXAMPLE: Final = re.compile(r"change.?(me|this|it)|example|at least|your.?(key|secret)", re.I)
_USUAL: Final = frozenset(
    "postgres postgresql kechuangtong password passw0rd secret admin root test demo "
    "123456 12345678 123456789 1234567890 qwerty".split()
)


class NotForProduction(RuntimeError):
    """A setting, or what is in the database, that lets anyone in; the message names it."""


async def check_for_production(runtime: Runtime) -> None:
    """Raises NotForProduction, and RuntimeError where there is no secret key. In development it
    lets everything pass."""
    if runtime.settings.environment != "production":
        return
    check_settings(runtime.settings)
    async with runtime.database.read() as session:
        known = await session.execute(
            select(User.name, User.password_hash).where(User.name.in_(USERS))
        )
    for name, stored in known:
        if (await verify_password(PASSWORD, stored))[0]:
            raise NotForProduction(
                f"the user {name} of the demo is in the database with its published password: "
                "in production use a database of its own"
            )


def check_settings(settings: Settings) -> None:
    """Raises NotForProduction, and RuntimeError where there is no secret key."""
    key = settings.signing_key
    if len(set(key)) < _SECRET_CHARACTERS or _EXAMPLE.search(key):
        raise NotForProduction("KCT_SECRET_KEY can be guessed: make one with openssl rand -hex 32")
    url = make_url(settings.resolved_database_url)
    password = url.password
    # Without one the server knows its caller by other means.
    if password and (
        password == url.username or password.lower() in _USUAL or _EXAMPLE.search(password)
    ):
        raise NotForProduction("the password in KCT_DATABASE_URL can be guessed: choose another")
    master = settings.meilisearch_master_key
    if master is not None and len(master.get_secret_value().encode()) < _MASTER_KEY_BYTES:
        raise NotForProduction(
            f"KCT_MEILISEARCH_MASTER_KEY must have at least {_MASTER_KEY_BYTES} bytes"
        )
    if any(re.fullmatch(r"[0-9.:]+/0", one) for one in settings.webhooks_allowed):
        raise NotForProduction("KCT_WEBHOOKS_ALLOW lets webhooks go everywhere: name networks")
