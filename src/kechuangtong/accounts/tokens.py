"""Tokens: JWTs (RFC 7519) signed with the deployment's key, each for one use alone."""

import uuid
from datetime import timedelta
from typing import Any, NamedTuple

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from kechuangtong.core.clock import now
from kechuangtong.settings import Settings

_ALGORITHM = "HS256"


class Access(NamedTuple):
    """Whom an access token is for, and by which sign-in."""

    user_id: uuid.UUID
    sign_in_id: uuid.UUID


class Refresh(NamedTuple):
    """The sign-in that a refresh token carries on, and its generation of it."""

    sign_in_id: uuid.UUID
    generation: int


def issue_token(settings: Settings, user_id: uuid.UUID, sign_in_id: uuid.UUID) -> str:
    """An access token, good for `token_minutes` while the sign-in lasts."""
    claims = {"sub": str(user_id), "sid": str(sign_in_id)}
    return _sign(settings, "access", claims, timedelta(minutes=settings.token_minutes))


def read_token(settings: Settings, token: str) -> Access | None:
    """What a valid access token says; None for any other text."""
    claims = _claims(settings, "access", token)
    try:
        return Access(uuid.UUID(claims["sub"]), uuid.UUID(claims["sid"])) if claims else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def issue_refresh_token(settings: Settings, sign_in_id: uuid.UUID, generation: int) -> str:
    """A refresh token, good once within `refresh_days`."""
    claims = {"sid": str(sign_in_id), "gen": generation}
    return _sign(settings, "refresh", claims, timedelta(days=settings.refresh_days))


def read_refresh_token(settings: Settings, token: str) -> Refresh | None:
    """What a valid refresh token says; None for any other text."""
    claims = _claims(settings, "refresh", token)
    try:
        return Refresh(uuid.UUID(claims["sid"]), int(claims["gen"])) if claims else None
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


def _sign(settings: Settings, use: str, claims: dict[str, Any], lasts: timedelta) -> str:
    at = now()
    times = {"iat": int(at.timestamp()), "exp": int((at + lasts).timestamp())}
    key = OctKey.import_key(settings.signing_key)
    return jwt.encode({"alg": _ALGORITHM}, {"use": use, **claims, **times}, key)


def _claims(settings: Settings, use: str, token: str) -> dict[str, Any] | None:
    try:
        decoded = jwt.decode(token, OctKey.import_key(settings.signing_key), [_ALGORITHM])
        registry = jwt.JWTClaimsRegistry(
            now=int(now().timestamp()),
            use={"essential": True, "value": use},
            exp={"essential": True},
        )
        registry.validate(decoded.claims)
        return decoded.claims
    except (JoseError, ValueError, TypeError, AttributeError):
        return None
