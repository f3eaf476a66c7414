"""who may do what, and the first contact: roles, sign-ins, keys, mail, reviews, interests, files

Who acted for an organization before may do all for it now (manager). The log no longer repeats
the names of persons, who are told by their ids.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
_TABLES = [
    "mails",
    "rate_counts",
    "schedules",
    "sign_in_failures",
    "api_keys",
    "attachments",
    "identities",
    "invitations",
    "notices",
    "password_resets",
    "registrations",
    "reviews",
    "saved_searches",
    "sign_ins",
    "attachment_grants",
    "interests",
    "interest_messages",
    "introductions",
]


def upgrade() -> None:
    _columns()
    _events()
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index(op.f("ix_mails_sent_at_due_at"), "mails", ["sent_at", "due_at"])
    op.create_table(
        "rate_counts",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_counts")),
    )
    op.create_index(op.f("ix_rate_counts_expires_at"), "rate_counts", ["expires_at"])
    op.create_table(
        "schedules",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("last_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_schedules")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("name_hash", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name_hash", name=op.f("pk_sign_in_failures")),
    )
    op.create_index(op.f("ix_sign_in_failures_last_at"), "sign_in_failures", ["last_at"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("scopes", _JSON, nullable=False),
        sa.Column("hint", sa.String(length=20), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_api_keys_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    op.create_index(op.f("ix_api_keys_organization_id"), "api_keys", ["organization_id"])
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"])
    op.create_table(
        "attachments",
        sa.Column("subject_kind", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("access", sa.String(length=30), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_attachments_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index(op.f("ix_attachments_created_at"), "attachments", ["created_at"])
    op.create_index(op.f("ix_attachments_organization_id"), "attachments", ["organization_id"])
    op.create_index(
        op.f("ix_attachments_subject_kind_subject_id"),
        "attachments",
        ["subject_kind", "subject_id"],
    )
    op.create_index(op.f("ix_attachments_updated_at"), "attachments", ["updated_at"])
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_identities_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_identities")),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"])
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=30), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_invitations_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitations_token_hash")),
    )
    op.create_index(op.f("ix_invitations_organization_id"), "invitations", ["organization_id"])
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject_kind", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_notices_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
    )
    op.create_index(
        op.f("ix_notices_organization_id_waiting_id"),
        "notices",
        ["organization_id", "waiting", "id"],
    )
    op.create_index(op.f("ix_notices_subject_id"), "notices", ["subject_id"])
    op.create_table(
        "password_resets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_password_resets_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_resets_token_hash")),
    )
    op.create_index(op.f("ix_password_resets_user_id"), "password_resets", ["user_id"])
    op.create_table(
        "registrations",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("code", sa.String(length=18), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=True),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("reasons", _JSON, nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_registrations_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_registrations_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registrations")),
    )
    op.create_index(op.f("ix_registrations_code"), "registrations", ["code"])
    op.create_index(op.f("ix_registrations_created_at"), "registrations", ["created_at"])
    op.create_index(op.f("ix_registrations_organization_id"), "registrations", ["organization_id"])
    op.create_index(op.f("ix_registrations_updated_at"), "registrations", ["updated_at"])
    op.create_index(op.f("ix_registrations_user_id"), "registrations", ["user_id"])
    op.create_table(
        "reviews",
        sa.Column("subject_kind", sa.String(length=30), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("reasons", _JSON, nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_reviews_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    op.create_index(op.f("ix_reviews_created_at"), "reviews", ["created_at"])
    op.create_index(op.f("ix_reviews_organization_id"), "reviews", ["organization_id"])
    op.create_index(
        op.f("ix_reviews_subject_kind_subject_id_state"),
        "reviews",
        ["subject_kind", "subject_id", "state"],
    )
    op.create_index(op.f("ix_reviews_updated_at"), "reviews", ["updated_at"])
    op.create_table(
        "saved_searches",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("query", _JSON, nullable=False),
        sa.Column("mail", sa.Boolean(), nullable=False),
        sa.Column("seen_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_saved_searches_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_saved_searches_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
    )
    op.create_index(op.f("ix_saved_searches_created_at"), "saved_searches", ["created_at"])
    op.create_index(
        op.f("ix_saved_searches_organization_id"), "saved_searches", ["organization_id"]
    )
    op.create_index(op.f("ix_saved_searches_updated_at"), "saved_searches", ["updated_at"])
    op.create_table(
        "sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=True),
        sa.Column("agent", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_user_id"), "sign_ins", ["user_id"])
    op.create_table(
        "attachment_grants",
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachments.id"],
            name=op.f("fk_attachment_grants_attachment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_attachment_grants_organization_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "attachment_id", "organization_id", name=op.f("pk_attachment_grants")
        ),
    )
    op.create_table(
        "interests",
        sa.Column("subject_kind", sa.String(length=30), nullable=False),
        sa.Column("achievement_id", sa.Uuid(), nullable=True),
        sa.Column("demand_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("reason", sa.String(length=30), nullable=True),
        sa.Column("match", _JSON, nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["achievements.id"], name=op.f("fk_interests_achievement_id")
        ),
        sa.ForeignKeyConstraint(["demand_id"], ["demands.id"], name=op.f("fk_interests_demand_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_interests_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organizations.id"], name=op.f("fk_interests_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interests")),
    )
    op.create_index(op.f("ix_interests_achievement_id"), "interests", ["achievement_id"])
    op.create_index(op.f("ix_interests_created_at"), "interests", ["created_at"])
    op.create_index(op.f("ix_interests_demand_id"), "interests", ["demand_id"])
    op.create_index(
        op.f("ix_interests_organization_id_state"), "interests", ["organization_id", "state"]
    )
    op.create_index(op.f("ix_interests_owner_id_state"), "interests", ["owner_id", "state"])
    op.create_index(op.f("ix_interests_updated_at"), "interests", ["updated_at"])
    op.create_table(
        "interest_messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("interest_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["interest_id"],
            ["interests.id"],
            name=op.f("fk_interest_messages_interest_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_interest_messages_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interest_messages")),
    )
    op.create_index(op.f("ix_interest_messages_interest_id"), "interest_messages", ["interest_id"])
    op.create_table(
        "introductions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("interest_id", sa.Uuid(), nullable=False),
        sa.Column("achievement_id", sa.Uuid(), nullable=True),
        sa.Column("demand_id", sa.Uuid(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("accepted_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["achievements.id"], name=op.f("fk_introductions_achievement_id")
        ),
        sa.ForeignKeyConstraint(
            ["demand_id"], ["demands.id"], name=op.f("fk_introductions_demand_id")
        ),
        sa.ForeignKeyConstraint(
            ["interest_id"], ["interests.id"], name=op.f("fk_introductions_interest_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_introductions_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["organizations.id"], name=op.f("fk_introductions_owner_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_introductions")),
        sa.UniqueConstraint("interest_id", name=op.f("uq_introductions_interest_id")),
    )
    op.create_index(
        op.f("ix_introductions_achievement_id_organization_id"),
        "introductions",
        ["achievement_id", "organization_id"],
    )
    op.create_index(
        op.f("ix_introductions_demand_id_organization_id"),
        "introductions",
        ["demand_id", "organization_id"],
    )
    op.create_index(op.f("ix_introductions_organization_id"), "introductions", ["organization_id"])
    op.create_index(op.f("ix_introductions_owner_id"), "introductions", ["owner_id"])

    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE rate_counts SET UNLOGGED")  # what a crash forgets is no loss


# SQLite cannot add a constraint to a table, and making the table anew would delete what refers to
# it: so columns are added, renamed and dropped one by one.
def _columns() -> None:
    op.add_column(
        "demands", sa.Column("anonymous", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("events", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.add_column("events", sa.Column("address", sa.String(length=45), nullable=True))
    op.add_column("imports", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.drop_column("events", "actor_name")
    op.add_column(
        "memberships",
        sa.Column("role", sa.String(length=30), nullable=False, server_default="manager"),
    )
    op.create_index(op.f("ix_memberships_organization_id"), "memberships", ["organization_id"])
    op.add_column("organizations", sa.Column("review", sa.Boolean(), nullable=True))
    identifier = sa.Uuid().compile(op.get_bind().dialect)
    op.execute(
        f"ALTER TABLE organizations ADD COLUMN merged_into_id {identifier} "
        "CONSTRAINT fk_organizations_merged_into_id REFERENCES organizations (id)"
    )
    op.create_index(op.f("ix_organizations_merged_into_id"), "organizations", ["merged_into_id"])
    op.add_column("users", sa.Column("email", sa.String(length=254), nullable=True))
    op.create_index(op.f("ix_users_email"), "users", ["email"], unique=True)
    op.add_column("users", sa.Column("platform_role", sa.String(length=30), nullable=True))
    op.execute("UPDATE users SET platform_role = 'administrator' WHERE administrator")
    op.drop_column("users", "administrator")
    op.add_column("users", sa.Column("district", sa.String(length=100), nullable=True))
    op.add_column(
        "users", sa.Column("mail_news", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("users", sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True))
    _copy_column("users", "password_hash", nullable=True)


# By which columns (then by `at` and `id`), and of how many events in a million one value is.
_EVENT_INDEXES = {
    "at": 1,
    "subject_kind": 100_000,
    "action": 20_000,
    "address": 5_000,
    "actor_id": 1_000,
    "subject_id": 5,
    "request_id": 3,
}


def _event_index(column: str) -> tuple[str, list[str]]:
    columns = ["at", "id"] if column == "at" else [column, "at", "id"]
    return op.f(f"ix_events_{'_'.join(columns)}"), columns


def _events() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute('ALTER TABLE events ALTER COLUMN action TYPE varchar(50) COLLATE "C"')
        # Also where triggers are off for a session (session_replication_role).
        op.execute("ALTER TABLE events ENABLE ALWAYS TRIGGER events_append_only")
    else:
        # REPLACE deletes without the trigger of DELETE; of an id still to come NEW.id is -1.
        op.execute(
            "CREATE TRIGGER events_no_replace BEFORE INSERT ON events "
            "WHEN EXISTS (SELECT 1 FROM events WHERE id = NEW.id) "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
    op.drop_index(op.f("ix_events_subject_kind_subject_id_id"), "events")
    for column in _EVENT_INDEXES:
        name, columns = _event_index(column)
        op.create_index(name, "events", columns)
    if op.get_bind().dialect.name == "sqlite":
        # It keeps no statistics by itself; by these it takes the most telling of several filters.
        op.execute("ANALYZE events")
        op.execute("DELETE FROM sqlite_stat1 WHERE tbl = 'events'")
        for column, count in _EVENT_INDEXES.items():
            name, columns = _event_index(column)
            numbers = " ".join(["1000000", str(count), *("1" for _ in columns[1:])])
            values = f"('events', '{name}', '{numbers}')"
            op.execute(f"INSERT INTO sqlite_stat1 VALUES {values}")  # noqa: S608


def _copy_column(table: str, name: str, *, nullable: bool) -> None:
    op.execute(f"ALTER TABLE {table} RENAME COLUMN {name} TO before_{name}")
    default = None if nullable else ""
    op.add_column(
        table, sa.Column(name, sa.String(length=200), nullable=nullable, server_default=default)
    )
    before = sa.column(f"before_{name}")
    op.execute(
        sa.update(sa.table(table, sa.column(name), before))
        .where(before.is_not(None))
        .values({name: before})
    )
    op.drop_column(table, f"before_{name}")


def downgrade() -> None:
    for name in reversed(_TABLES):
        op.drop_table(name)
    _copy_column("users", "password_hash", nullable=False)
    for name in ("erased_at", "locked_at", "mail_news", "district"):
        op.drop_column("users", name)
    op.add_column(
        "users", sa.Column("administrator", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.execute("UPDATE users SET administrator = true WHERE platform_role = 'administrator'")
    op.drop_column("users", "platform_role")
    op.drop_index(op.f("ix_users_email"), "users")
    op.drop_column("users", "email")
    op.drop_index(op.f("ix_organizations_merged_into_id"), "organizations")
    op.drop_column("organizations", "merged_into_id")
    op.drop_column("organizations", "review")
    op.drop_index(op.f("ix_memberships_organization_id"), "memberships")
    op.drop_column("memberships", "role")
    op.add_column(
        "events", sa.Column("actor_name", sa.String(length=100), nullable=False, server_default="")
    )
    for column in _EVENT_INDEXES:
        op.drop_index(_event_index(column)[0], "events")
    op.create_index(
        op.f("ix_events_subject_kind_subject_id_id"),
        "events",
        ["subject_kind", "subject_id", "id"],
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE events ENABLE TRIGGER events_append_only")
        op.execute('ALTER TABLE events ALTER COLUMN action TYPE varchar(50) COLLATE "default"')
    else:
        op.execute("DROP TRIGGER events_no_replace")
    op.drop_column("imports", "key_id")
    op.drop_column("events", "address")
    op.drop_column("events", "key_id")
    op.drop_column("demands", "anonymous")
