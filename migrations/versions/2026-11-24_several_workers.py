"""several workers: marks that are claimed, live indexes, workers' signs of life, profiles as bytes

Marks, profiles and counts of words are made anew: the first process that writes finds no live
index and builds it from the lists, so none of what was marked is lost.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _profile_numbers(numbers: sa.types.TypeEngine[str] | sa.types.TypeEngine[bytes]) -> None:
    op.execute("DELETE FROM profiles")
    op.execute("DELETE FROM term_counts")
    with op.batch_alter_table("profiles", schema=None) as batch_op:
        batch_op.drop_column("numbers")
    with op.batch_alter_table("profiles", schema=None) as batch_op:
        batch_op.add_column(sa.Column("numbers", numbers, nullable=False))


def upgrade() -> None:
    _profile_numbers(sa.LargeBinary())
    op.drop_table("index_marks")
    op.create_table(
        "index_marks",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(length=30), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("kind", "record_id", name=op.f("pk_index_marks")),
    )
    op.create_index(
        op.f("ix_index_marks_part_due_at_marked_at"), "index_marks", ["part", "due_at", "marked_at"]
    )
    op.add_column("index_rebuilds", sa.Column("claimed_by", sa.Uuid(), nullable=True))
    op.add_column(
        "index_rebuilds", sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "live_indexes",
        sa.Column("engine", sa.String(length=20), nullable=False),
        sa.Column(
            "made_with", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("model", sa.String(length=100), nullable=True),
        sa.Column("live_since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("engine", name=op.f("pk_live_indexes")),
    )
    op.create_table(
        "workers",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )


def downgrade() -> None:
    _profile_numbers(sa.Text())
    op.drop_table("workers")
    op.drop_table("live_indexes")
    with op.batch_alter_table("index_rebuilds", schema=None) as batch_op:
        batch_op.drop_column("claimed_until")
        batch_op.drop_column("claimed_by")
    op.drop_table("index_marks")
    op.create_table(
        "index_marks",
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.String(length=30), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("marked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "record_id", "part", name=op.f("pk_index_marks")),
    )
    op.create_index(op.f("ix_index_marks_marked_at"), "index_marks", ["marked_at"])
