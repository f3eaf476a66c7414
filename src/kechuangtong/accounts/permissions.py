"""Permissions and the roles that carry them. Whose record it is, services decide."""

from enum import StrEnum
from typing import Final


class Permission(StrEnum):
    """`resource:action`, named by every route; an API key's scopes are some of them."""

    SERVICE_READ = "service:read"
    TOKEN_CREATE = "token:create"  # noqa: S105
    ACCOUNT_READ = "account:read"
    ACCOUNT_WRITE = "account:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    INVITATIONS_ACCEPT = "invitations:accept"
    ORGANIZATIONS_READ = "organizations:read"
    ORGANIZATIONS_CREATE = "organizations:create"
    ORGANIZATIONS_WRITE = "organizations:write"
    ORGANIZATIONS_MERGE = "organizations:merge"
    REGISTRATIONS_READ = "registrations:read"
    REGISTRATIONS_CREATE = "registrations:create"
    ACHIEVEMENTS_READ = "achievements:read"
    ACHIEVEMENTS_WRITE = "achievements:write"
    DEMANDS_READ = "demands:read"
    DEMANDS_WRITE = "demands:write"
    MATCHES_READ = "matches:read"
    MATCHES_FEEDBACK = "matches:feedback"
    MATCH_RUNS_READ = "match-runs:read"
    MATCH_RUNS_WRITE = "match-runs:write"
    SEARCH = "search:read"
    IMPORTS_READ = "imports:read"
    IMPORTS_WRITE = "imports:write"
    REVIEWS_READ = "reviews:read"
    REVIEWS_DECIDE = "reviews:decide"
    INTERESTS_READ = "interests:read"
    INTERESTS_WRITE = "interests:write"
    INSTRUMENTS_READ = "instruments:read"
    INSTRUMENTS_WRITE = "instruments:write"
    BOOKINGS_READ = "bookings:read"
    BOOKINGS_WRITE = "bookings:write"
    BOOKINGS_MANAGE = "bookings:manage"
    INBOX_READ = "inbox:read"
    INBOX_WRITE = "inbox:write"
    SEARCHES_READ = "saved-searches:read"
    SEARCHES_WRITE = "saved-searches:write"
    ATTACHMENTS_READ = "attachments:read"
    ATTACHMENTS_WRITE = "attachments:write"
    AUDIT_READ = "audit:read"
    EDITIONS_READ = "editions:read"
    EDITIONS_WRITE = "editions:write"
    CHANGES_READ = "changes:read"
    DUMP_READ = "dump:read"
    DEALS_READ = "deals:read"
    DEALS_WRITE = "deals:write"
    BROKERS_READ = "brokers:read"
    BROKERS_WRITE = "brokers:write"
    WEBHOOKS_READ = "webhooks:read"
    WEBHOOKS_WRITE = "webhooks:write"
    CALCULATORS = "calculators:read"


class Role(StrEnum):
    """What a person may do for an organization; each role may do what those before it may."""

    MEMBER = "member"  # 成员: sees what is the organization's own
    EDITOR = "editor"  # 编辑: also changes its lists and speaks for it
    MANAGER = "manager"  # 管理者: also its people and the organization itself


class PlatformRole(StrEnum):
    """What a person may do for the whole platform."""

    REVIEWER = "reviewer"  # 审核员, of the whole or of a district
    AUDITOR = "auditor"  # 审计员: reads everything, changes nothing
    ADMINISTRATOR = "administrator"  # 平台管理员


_P = Permission

ANYONE: Final = frozenset(
    {
        _P.SERVICE_READ,
        _P.TOKEN_CREATE,
        _P.INVITATIONS_ACCEPT,
        _P.ORGANIZATIONS_READ,
        _P.REGISTRATIONS_CREATE,
        _P.ACHIEVEMENTS_READ,
        _P.DEMANDS_READ,
        _P.MATCHES_READ,
        _P.SEARCH,
        _P.ATTACHMENTS_READ,
        _P.EDITIONS_READ,
        _P.CHANGES_READ,
        _P.DUMP_READ,
        _P.INSTRUMENTS_READ,
        _P.BROKERS_READ,
        _P.CALCULATORS,
    }
)
SIGNED_IN: Final = ANYONE | {
    _P.ACCOUNT_READ,
    _P.ACCOUNT_WRITE,
    _P.KEYS_READ,
    _P.KEYS_WRITE,
    _P.REGISTRATIONS_READ,
    _P.MATCHES_FEEDBACK,
    _P.BROKERS_WRITE,
}
BROKER: Final = frozenset({_P.DEALS_READ, _P.DEALS_WRITE})
"""What a person with a broker's record does besides, in the deals where it is mandated."""
_MEMBER: Final = frozenset(
    {
        _P.MEMBERS_READ,
        _P.MATCH_RUNS_READ,
        _P.MATCH_RUNS_WRITE,
        _P.IMPORTS_READ,
        _P.REVIEWS_READ,
        _P.INTERESTS_READ,
        _P.INBOX_READ,
        _P.INBOX_WRITE,
        _P.SEARCHES_READ,
        _P.SEARCHES_WRITE,
        _P.BOOKINGS_READ,
        _P.BOOKINGS_WRITE,
        _P.DEALS_READ,
    }
)
_EDITOR: Final = _MEMBER | {
    _P.ACHIEVEMENTS_WRITE,
    _P.DEMANDS_WRITE,
    _P.IMPORTS_WRITE,
    _P.INTERESTS_WRITE,
    _P.ATTACHMENTS_WRITE,
    _P.INSTRUMENTS_WRITE,
    _P.BOOKINGS_MANAGE,
    _P.DEALS_WRITE,
    _P.BROKERS_WRITE,
}
_MANAGER: Final = _EDITOR | {
    _P.MEMBERS_WRITE,
    _P.ORGANIZATIONS_WRITE,
    _P.WEBHOOKS_READ,
    _P.WEBHOOKS_WRITE,
}

ROLES: Final[dict[Role, frozenset[Permission]]] = {
    Role.MEMBER: _MEMBER,
    Role.EDITOR: _EDITOR,
    Role.MANAGER: _MANAGER,
}
PLATFORM_ROLES: Final[dict[PlatformRole, frozenset[Permission]]] = {
    PlatformRole.REVIEWER: frozenset({_P.REVIEWS_READ, _P.REVIEWS_DECIDE}),
    PlatformRole.AUDITOR: frozenset(
        {
            _P.USERS_READ,
            _P.MEMBERS_READ,
            _P.MATCH_RUNS_READ,
            _P.IMPORTS_READ,
            _P.REVIEWS_READ,
            _P.INTERESTS_READ,
            _P.BOOKINGS_READ,
            _P.DEALS_READ,
            _P.AUDIT_READ,
        }
    ),
    PlatformRole.ADMINISTRATOR: frozenset(Permission),
}
# A key speaks for a person in a program; it cannot make itself another, or change the person, nor
# others: by the address of an administrator one would get that one's password.
NOT_FOR_KEYS: Final = frozenset(
    {
        _P.ACCOUNT_WRITE,
        _P.KEYS_WRITE,
        _P.TOKEN_CREATE,
        _P.INVITATIONS_ACCEPT,
        _P.MEMBERS_WRITE,
        _P.USERS_WRITE,
    }
)
