"""The client's side of OpenID Connect: authorization code with PKCE, state and nonce.

What a browser has to bring back is in a cookie that this service signs, so nothing is kept here.
The provider's configuration and keys are read at each sign-in, so they are never stale.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from kechuangtong.core.clock import now
from kechuangtong.core.errors import NotSignedIn, Unavailable
from kechuangtong.core.language import Text
from kechuangtong.settings import OidcProvider, Settings

STATE_GOOD_FOR: Final = timedelta(minutes=10)
_TIMEOUT: Final = 10.0
_LEEWAY: Final = 60  # seconds by which clocks may differ
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384"]
_COOKIE: Final = "HS256"

log = structlog.get_logger()


class ProviderUnavailable(Unavailable):
    code = "oidc_unavailable"
    text = Text(
        "“{title}”暂不可用，请稍后再试。", '"{title}" is not available at present; try again later.'
    )


class StateInvalid(NotSignedIn):
    code = "oidc_state_invalid"
    text = Text(
        "登录过程已失效，请重新开始。", "This sign-in is not, or no longer, under way: start again."
    )
    place = ("query", "state")


class SignInRefused(NotSignedIn):
    code = "oidc_refused"
    text = Text("“{title}”没有确认您的身份。", '"{title}" did not confirm who you are.')
    place = ("query", "code")


@dataclass(frozen=True, slots=True)
class Underway:
    """A sign-in under way, as the browser keeps it."""

    provider: str
    state: str
    nonce: str
    verifier: str
    page: str | None  # the page that is opened in the end; without one the answer is tokens


def begin(provider: OidcProvider, page: str | None = None) -> Underway:
    """A new sign-in at a provider."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Underway(provider.name, state, nonce, verifier, page)


def seal(settings: Settings, underway: Underway) -> str:
    """What the cookie holds."""
    expires = now() + STATE_GOOD_FOR
    claims = {"use": "oidc", "exp": int(expires.timestamp()), **asdict(underway)}
    return jwt.encode({"alg": _COOKIE}, claims, OctKey.import_key(settings.signing_key))


def unseal(
    settings: Settings, provider: OidcProvider, cookie: str | None, state: str | None
) -> Underway:
    """The sign-in that a browser comes back from. Raises StateInvalid."""
    try:
        decoded = jwt.decode(cookie or "", OctKey.import_key(settings.signing_key), [_COOKIE])
        registry = jwt.JWTClaimsRegistry(
            now=int(now().timestamp()),
            use={"essential": True, "value": "oidc"},
            provider={"essential": True, "value": provider.name},
            exp={"essential": True},
        )
        registry.validate(decoded.claims)
    except (JoseError, ValueError):
        raise StateInvalid from None
    underway = Underway(**{name: decoded.claims[name] for name in Underway.__slots__})
    if not hmac.compare_digest(underway.state.encode(), (state or "").encode()):
        raise StateInvalid
    return underway


def redirect_uri(settings: Settings, provider: OidcProvider) -> str:
    """Where the provider sends the browser back to, as it must be registered there."""
    return f"{settings.public_url.rstrip('/')}/v1/auth/oidc/{provider.name}/callback"


async def authorization_url(settings: Settings, provider: OidcProvider, underway: Underway) -> str:
    """Where the browser is sent to sign in. Raises ProviderUnavailable."""
    async with _Caller(provider) as caller:
        endpoint = str((await caller.configuration())["authorization_endpoint"])
    digest = hashlib.sha256(underway.verifier.encode()).digest()
    parameters = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri(settings, provider),
        "scope": "openid profile email",
        "state": underway.state,
        "nonce": underway.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


async def identify(
    settings: Settings, provider: OidcProvider, underway: Underway, code: str
) -> dict[str, Any]:
    """The checked claims of who signed in. Raises ProviderUnavailable, SignInRefused."""
    async with _Caller(provider) as caller:
        configuration = await caller.configuration()
        token = await caller.redeem(
            configuration["token_endpoint"],
            code=code,
            code_verifier=underway.verifier,
            redirect_uri=redirect_uri(settings, provider),
        )
        keys = await caller.get(configuration["jwks_uri"])
    try:
        return _claims(provider, token, keys, underway.nonce)
    except (JoseError, ValueError, KeyError, TypeError) as error:
        log.warning("identity refused", provider=provider.name, error=repr(error))
        raise SignInRefused(title=provider.title) from error


def _claims(
    provider: OidcProvider, token: dict[str, Any], keys: dict[str, Any], nonce: str
) -> dict[str, Any]:
    # OpenID Connect Core 1.0, 3.1.3.7
    signing = [one for one in keys["keys"] if one.get("use", "sig") == "sig"]
    decoded = jwt.decode(token["id_token"], KeySet.import_key_set({"keys": signing}), _ALGORITHMS)
    claims = decoded.claims
    jwt.JWTClaimsRegistry(
        now=int(now().timestamp()),
        leeway=_LEEWAY,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": nonce},
    ).validate(claims)
    if claims.get("azp", provider.client_id) != provider.client_id:
        raise ValueError("issued to another client")
    if not isinstance(claims["sub"], str) or not 1 <= len(claims["sub"]) <= 255:
        raise ValueError("no subject")
    return claims


class _Caller:
    """Asks one provider."""

    def __init__(self, provider: OidcProvider) -> None:
        self.provider = provider
        self.client = httpx.AsyncClient(timeout=_TIMEOUT)

    async def __aenter__(self) -> "_Caller":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.client.aclose()

    async def configuration(self) -> dict[str, Any]:
        """What the provider says of itself (OpenID Connect Discovery 1.0)."""
        issuer = self.provider.issuer
        found = await self.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        needed = {"authorization_endpoint", "token_endpoint", "jwks_uri"}
        if found.get("issuer") != issuer or not needed <= found.keys():
            raise self._unavailable("the configuration is not this issuer's, or lacks endpoints")
        return found

    async def get(self, url: str) -> dict[str, Any]:
        try:
            answer = await self.client.get(url)
            return _object(answer.raise_for_status())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._unavailable(error) from error

    async def redeem(self, url: str, **grant: str) -> dict[str, Any]:
        """The answer to the code (RFC 6749, 4.1.3). Raises SignInRefused where it is not good."""
        secret = self.provider.client_secret.get_secret_value()
        form = {"grant_type": "authorization_code", "client_id": self.provider.client_id, **grant}
        try:
            answer = await self.client.post(url, data=form, auth=(self.provider.client_id, secret))
            if answer.is_client_error:
                log.warning("code refused", provider=self.provider.name, answer=answer.text[:500])
                raise SignInRefused(title=self.provider.title)
            return _object(answer.raise_for_status())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, why: object) -> ProviderUnavailable:
        log.error("identity provider not available", provider=self.provider.name, error=str(why))
        return ProviderUnavailable(title=self.provider.title)


def _object(answer: httpx.Response) -> dict[str, Any]:
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found
