"""For whom one acts on a page (单位)."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.errors import NotFound
from kechuangtong.models import Organization
from kechuangtong.organizations.service import find_organization


async def own_organizations(
    session: AsyncSession, actor: Actor, permission: Permission
) -> Sequence[Organization]:
    """The organizations that the actor belongs to and may do this for, by name."""
    ids = [one for one in actor.organization_ids if actor.may(permission, one)]
    found = await session.scalars(
        select(Organization).where(Organization.id.in_(ids)).order_by(Organization.name)
    )
    return found.all()


async def chosen_organization(
    session: AsyncSession, actor: Actor, text: str | None, own: Sequence[Organization]
) -> Organization | None:
    """Whose list is shown: of the organization that is named by id, code or name, else the first
    of one's own. Raises NotFound, OrganizationAmbiguous."""
    if text is None:
        return own[0] if own else None
    organization = await find_organization(session, text)
    if organization is None or not actor.sees(organization.id):
        raise NotFound
    return organization
