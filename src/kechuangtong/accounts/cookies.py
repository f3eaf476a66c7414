"""Signing in by cookie, for the pages (网页登录).

A browser sends its cookie also when another site makes it call. So by the cookie alone one reads;
to change something, a form has to bring the token that a page of ours gave it (CSRF protection).
"""

import hmac
import re
import secrets
import uuid
from contextlib import suppress
from typing import Final

from fastapi import Request

from kechuangtong.accounts.actor import ANONYMOUS, Actor
from kechuangtong.accounts.errors import FormExpired, UserLocked
from kechuangtong.accounts.schemas import Token
from kechuangtong.accounts.service import actor_for
from kechuangtong.accounts.tokens import read_token
from kechuangtong.core.db import Database
from kechuangtong.settings import Settings

FORM_TOKEN: Final = "form_token"  # noqa: S105


def sign_in(request: Request, settings: Settings, token: Token) -> None:
    """Let the browser be signed in by a sign-in, whose tokens it does not get, until that ends."""
    access = read_token(settings, token.access_token)
    assert access is not None
    request.session.clear()  # its form token, too: another may have seen the one before
    request.session["user"] = str(access.user_id)
    request.session["sign_in"] = str(access.sign_in_id)


def sign_out(request: Request) -> None:
    """Forget who the browser is."""
    request.session.clear()


def local_path(path: str) -> str:
    """Where a browser that has signed in goes on; what would lead to another site leads home."""
    return path if re.match(r"/(?![/\\])", path) and path.isprintable() else "/"


async def actor_of(request: Request, database: Database) -> Actor:
    """Who a browser is signed in as, for reading and for forms that were checked; anyone where its
    sign-in has ended or its user is locked, who then reads what is public, as anyone does."""
    session = request.session
    checked = request.method == "GET" or getattr(request.state, "form_checked", False)
    if "user" not in session or not checked:
        return ANONYMOUS
    with suppress(UserLocked):
        async with database.read() as reading:
            user_id, sign_in_id = uuid.UUID(session["user"]), uuid.UUID(session["sign_in"])
            return await actor_for(reading, user_id, sign_in_id) or ANONYMOUS
    return ANONYMOUS


def form_token(request: Request) -> str:
    """The token that forms of the pages bring along."""
    if FORM_TOKEN not in request.session:
        request.session[FORM_TOKEN] = secrets.token_urlsafe(32)
    token: str = request.session[FORM_TOKEN]
    return token


async def check_form(request: Request) -> None:
    """Raises FormExpired for a form that no page of ours gave to this browser."""
    if request.method == "GET" or "authorization" in request.headers:  # no site can send that
        return
    given = (await request.form()).get(FORM_TOKEN)
    known = request.session.get(FORM_TOKEN)
    if (
        not isinstance(given, str)
        or not known
        or not hmac.compare_digest(given.encode(), known.encode())
    ):
        raise FormExpired
    request.state.form_checked = True
