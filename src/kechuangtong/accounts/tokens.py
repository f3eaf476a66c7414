"""Access tokens: short-lived JWTs (RFC 7519), signed with the deployment's key."""

import uuid
from datetime import timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from kechuangtong.core.clock import now
from kechuangtong.settings import Settings

_ALGORITHM = "HS256"


def issue_token(settings: Settings, user_id: uuid.UUID) -> str:
    """A token for a user, good for `token_minutes`."""
    expires = now() + timedelta(minutes=settings.token_minutes)
    claims = {"sub": str(user_id), "iat": int(now().timestamp()), "exp": int(expires.timestamp())}
    return jwt.encode({"alg": _ALGORITHM}, claims, OctKey.import_key(settings.signing_key))


def read_token(settings: Settings, token: str) -> uuid.UUID | None:
    """The user of a valid token; None for any other text."""
    try:
        decoded = jwt.decode(token, OctKey.import_key(settings.signing_key), [_ALGORITHM])
        registry = jwt.JWTClaimsRegistry(
            now=int(now().timestamp()), sub={"essential": True}, exp={"essential": True}
        )
        registry.validate(decoded.claims)
        return uuid.UUID(decoded.claims["sub"])
    except (JoseError, ValueError, TypeError, AttributeError):
        return None
