"""People of a test's own making, signed in without passwords."""

import uuid
from typing import Any

import httpx

from conftest import PASSWORD, Service, token_for
from forms import send
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.models import Membership, User


async def signed_in(
    service: Service,
    name: str,
    *,
    role: PlatformRole | None = None,
    district: str | None = None,
    member_of: uuid.UUID | None = None,
    email: str | None = None,
) -> httpx.AsyncClient:
    """A caller of the API: a new user with a role for the platform or in an organization."""
    async with service.runtime.database.write() as session:
        user = User(name=name, platform_role=role, district=district, email=email)
        session.add(user)
        await session.flush()
        if member_of is not None:
            membership = Membership(user_id=user.id, organization_id=member_of, role=Role.EDITOR)
            session.add(membership)
    return service.client(await token_for(service.runtime, user.id))


async def reviewer(service: Service, name: str, district: str | None = None) -> httpx.AsyncClient:
    """A reviewer of a district, or of the whole."""
    return await signed_in(service, name, role=PlatformRole.REVIEWER, district=district)


async def change(
    client: httpx.AsyncClient, path: str, body: Any = None, method: str = "POST"
) -> httpx.Response:
    """Change a thing as it stands."""
    return await client.request(method, path, json=body, headers={"If-Match": "*"})


async def signed_in_at_a_browser(client: httpx.AsyncClient, name: str) -> httpx.AsyncClient:
    """A browser in which a user has signed in."""
    await send(client, "/sign-in", {"username": name, "password": PASSWORD})
    return client
