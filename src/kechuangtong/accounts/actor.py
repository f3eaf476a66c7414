"""Who acts: every service is told, from the first day."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kechuangtong.accounts.permissions import (
    ANYONE,
    BROKER,
    PLATFORM_ROLES,
    ROLES,
    SIGNED_IN,
    Permission,
    PlatformRole,
    Role,
)


@dataclass(frozen=True, slots=True)
class Actor:
    """A person signed in, a program with a person's API key, the operator at the command line,
    or anyone.

    `roles` are those in organizations. A reviewer of a `district` decides there alone. A person
    is signed in by `sign_in_id`. A key does what its person may, as far as its `scopes` go. A
    `broker` (技术经纪人) acts in person besides.
    """

    kind: Literal["anonymous", "user", "key", "operator"]
    name: str
    id: uuid.UUID | None = None
    platform_role: PlatformRole | None = None
    district: str | None = None
    roles: Mapping[uuid.UUID, Role] = field(default_factory=dict)
    broker: bool = False
    sign_in_id: uuid.UUID | None = None
    key_id: uuid.UUID | None = None
    scopes: frozenset[Permission] | None = None

    @property
    def administrator(self) -> bool:
        """Whether the whole platform is the actor's."""
        return self.platform_role is PlatformRole.ADMINISTRATOR

    @property
    def sees_all(self) -> bool:
        """Whether nothing of any organization is hidden from the actor."""
        return self.platform_role in (PlatformRole.ADMINISTRATOR, PlatformRole.AUDITOR)

    @property
    def organization_ids(self) -> frozenset[uuid.UUID]:
        """The organizations that the actor belongs to."""
        return frozenset(self.roles)

    def in_scope(self, permission: Permission) -> bool:
        """Whether a permission is among those that a key was given; a person has no scopes."""
        return self.scopes is None or permission in self.scopes | {Permission.SERVICE_READ}

    def holds(self, permission: Permission) -> bool:
        """Whether the actor has a permission at all."""
        held = ANYONE if self.kind == "anonymous" else SIGNED_IN
        if self.platform_role is not None:
            held |= PLATFORM_ROLES[self.platform_role]
        if self.broker:
            held |= BROKER
        for role in set(self.roles.values()):
            held |= ROLES[role]
        return permission in held and self.in_scope(permission)

    def may(self, permission: Permission, organization_id: uuid.UUID) -> bool:
        """Whether the actor may do this with what an organization owns."""
        if not self.in_scope(permission):
            return False
        role = self.roles.get(organization_id)
        return self.administrator or (role is not None and permission in ROLES[role])

    def reviews(self, place: str | None) -> bool:
        """Whether the actor decides on what comes from a place, as of an organization there."""
        if not self.in_scope(Permission.REVIEWS_DECIDE):
            return False
        reviewer = self.platform_role is PlatformRole.REVIEWER
        here = self.district is None or self.district in (place or "")
        return self.administrator or (reviewer and here)

    @property
    def above_review(self) -> bool:
        """Whether what the actor publishes needs no review by another."""
        return self.administrator and self.in_scope(Permission.REVIEWS_DECIDE)

    def sees(self, organization_id: uuid.UUID) -> bool:
        """Whether what is an organization's own is shown to the actor."""
        return self.sees_all or organization_id in self.roles


ANONYMOUS = Actor(kind="anonymous", name="anonymous")
OPERATOR = Actor(kind="operator", name="operator", platform_role=PlatformRole.ADMINISTRATOR)
