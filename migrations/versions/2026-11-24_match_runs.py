"""match runs and their pairs"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "match_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("query", _JSON, nullable=False),
        sa.Column("query_hash", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("previous_id", sa.Uuid(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("reached", sa.Uuid(), nullable=False),
        sa.Column("counts", _JSON, nullable=False),
        sa.Column("ranker", sa.String(length=50), nullable=True),
        sa.Column("engine", sa.String(length=50), nullable=True),
        sa.Column("degraded_zh", sa.String(length=500), nullable=True),
        sa.Column("degraded_en", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_match_runs_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["previous_id"],
            ["match_runs.id"],
            name=op.f("fk_match_runs_previous_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_match_runs")),
    )
    op.create_index(
        op.f("ix_match_runs_organization_id_query_hash"),
        "match_runs",
        ["organization_id", "query_hash"],
    )
    op.create_index(op.f("ix_match_runs_previous_id"), "match_runs", ["previous_id"])
    op.create_table(
        "match_run_pairs",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("change", sa.String(length=30), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=False),
        sa.Column("grade_before", sa.Integer(), nullable=True),
        sa.Column("record_version", sa.Integer(), nullable=False),
        sa.Column("other_version", sa.Integer(), nullable=False),
        sa.Column("reasons", _JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["match_runs.id"],
            name=op.f("fk_match_run_pairs_run_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("run_id", "record_id", "other_id", name=op.f("pk_match_run_pairs")),
    )
    op.create_index(
        op.f("ix_match_run_pairs_run_id_score_record_id_other_id"),
        "match_run_pairs",
        ["run_id", "score", "record_id", "other_id"],
    )


def downgrade() -> None:
    op.drop_table("match_run_pairs")
    op.drop_table("match_runs")
