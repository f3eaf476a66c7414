"""editions and the change feed

What is published already stands at the beginning of the feed, in the order of its publication.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "editions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("came", sa.Integer(), nullable=False),
        sa.Column("went", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_editions")),
        sa.UniqueConstraint("kind", "number", name=op.f("uq_editions_kind_number")),
    )
    op.create_table(
        "edition_records",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("first", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=True),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("masked", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "record_id", "first", name=op.f("pk_edition_records")),
    )
    op.create_index(op.f("ix_edition_records_kind_first"), "edition_records", ["kind", "first"])
    op.create_index(
        op.f("ix_edition_records_kind_last_record_id"),
        "edition_records",
        ["kind", "last", "record_id"],
    )
    op.create_table(
        "public_changes",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("kind", "record_id", name=op.f("pk_public_changes")),
        sa.UniqueConstraint("position", name=op.f("uq_public_changes_position")),
    )
    # Of what is there already no digest is known, so whatever is done to it counts as a change.
    op.execute(
        "INSERT INTO public_changes (kind, record_id, position, digest) "
        "SELECT kind, id, row_number() OVER (ORDER BY published_at, id), '' FROM ("
        "SELECT 'achievement' AS kind, id, published_at FROM achievements "
        "WHERE state = 'published' UNION ALL "
        "SELECT 'demand', id, published_at FROM demands WHERE state = 'published') AS published"
    )


def downgrade() -> None:
    for name in ("public_changes", "edition_records", "editions"):
        op.drop_table(name)
