"""Who signs in and how, for whom they act, and answers kept for repeated requests."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.core.clock import now
from kechuangtong.core.db import new_id
from kechuangtong.models.base import Base, Record, choice


class User(Record, Base):
    """A person. Without a password one signs in at the identity provider of one's institution.

    A reviewer without a `district` reviews the whole. A user that is `locked_at` may do nothing.
    One that is `erased_at` is kept as a number alone, for what it once did.
    """

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("name"), Index(None, "email", unique=True))

    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str | None] = mapped_column(String(254))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    platform_role: Mapped[PlatformRole | None] = mapped_column(choice(PlatformRole))
    district: Mapped[str | None] = mapped_column(String(100))
    mail_news: Mapped[bool] = mapped_column(default=True)
    locked_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    memberships: Mapped[list["Membership"]] = relationship(lazy="raise")

    @property
    def roles(self) -> dict[uuid.UUID, Role]:
        """The roles by organization."""
        return {one.organization_id: one.role for one in self.memberships}

    @property
    def has_password(self) -> bool:
        """Whether one signs in here, or only at an identity provider."""
        return self.password_hash is not None


class Membership(Base):
    """A user's role in an organization."""

    __tablename__ = "memberships"

    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    role: Mapped[Role] = mapped_column(choice(Role))
    created_at: Mapped[datetime] = mapped_column(default=now)


class SignIn(Base):
    """A person signed in at one place: the family of refresh tokens that follow each other.

    Only the token of the present `generation` is good; an earlier one ends the family.
    """

    __tablename__ = "sign_ins"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    generation: Mapped[int] = mapped_column(default=1)
    address: Mapped[str | None] = mapped_column(String(45))
    agent: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)
    used_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class SignInFailures(Base):
    """How often in a row a name was tried with a wrong password, whether there is such a user or
    not: so a lock does not tell."""

    __tablename__ = "sign_in_failures"

    name_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(default=now, index=True)
    locked_until: Mapped[datetime | None]


class Identity(Base):
    """A user as an identity provider (OpenID Connect) knows it."""

    __tablename__ = "identities"

    issuer: Mapped[str] = mapped_column(String(300), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(default=now)


class Invitation(Base):
    """A colleague asked by mail to act for an organization, good once and until `expires_at`."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    organization_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[Role] = mapped_column(choice(Role))
    token_hash: Mapped[str] = mapped_column(String(64))
    invited_by: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    accepted_by: Mapped[uuid.UUID | None]
    revoked_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A wish for a new password, good once and until `expires_at`."""

    __tablename__ = "password_resets"
    __table_args__ = (UniqueConstraint("token_hash"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiKey(Base):
    """A person's key for programs: what the person may, as far as the scopes go, for one
    organization where one is named. `hint` is its visible beginning."""

    __tablename__ = "api_keys"
    __table_args__ = (UniqueConstraint("secret_hash"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), index=True
    )
    organization_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[list[str]]
    hint: Mapped[str] = mapped_column(String(20))
    secret_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class IdempotentAnswer(Base):
    """The answer to a request that bore an Idempotency-Key, kept for its repetition."""

    __tablename__ = "idempotent_answers"

    caller: Mapped[str] = mapped_column(String(64), primary_key=True)
    route: Mapped[str] = mapped_column(String(300), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)
