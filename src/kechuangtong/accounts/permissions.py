"""What a route asks of its caller. Whose record it is, services decide."""

from enum import StrEnum

from kechuangtong.accounts.actor import Actor


class Permission(StrEnum):
    """`resource:action`, named by every route."""

    SERVICE_READ = "service:read"
    TOKEN_CREATE = "token:create"  # noqa: S105
    ACCOUNT_READ = "account:read"
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_CREATE = "organizations:create"
    ORGANIZATIONS_WRITE = "organizations:write"
    ACHIEVEMENTS_READ = "achievements:read"
    ACHIEVEMENTS_WRITE = "achievements:write"
    DEMANDS_READ = "demands:read"
    DEMANDS_WRITE = "demands:write"
    MATCHES_READ = "matches:read"
    MATCHES_FEEDBACK = "matches:feedback"
    SEARCH = "search:read"
    IMPORTS_READ = "imports:read"
    IMPORTS_WRITE = "imports:write"


_ANYONE = {
    Permission.SERVICE_READ,
    Permission.TOKEN_CREATE,
    Permission.ORGANIZATIONS_READ,
    Permission.ACHIEVEMENTS_READ,
    Permission.DEMANDS_READ,
    Permission.MATCHES_READ,
    Permission.SEARCH,
}
_ADMINISTRATORS = {Permission.ORGANIZATIONS_CREATE}


def holds(actor: Actor, permission: Permission) -> bool:
    """Whether the actor has a permission at all."""
    if permission in _ANYONE or actor.administrator:
        return True
    return actor.kind != "anonymous" and permission not in _ADMINISTRATORS
