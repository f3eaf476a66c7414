"""deals"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FIXED = (
    "id",
    "deal_id",
    "number",
    "action",
    "from_state",
    "to_state",
    "side",
    "on",
    "user_id",
    "note",
    "details",
    "created_at",
)


def upgrade() -> None:
    op.create_table(
        "deals",
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("achievement_id", sa.Uuid(), nullable=True),
        sa.Column("demand_id", sa.Uuid(), nullable=True),
        sa.Column("introduction_id", sa.Uuid(), nullable=True),
        sa.Column("opened_by", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("match", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["achievements.id"], name=op.f("fk_deals_achievement_id")
        ),
        sa.ForeignKeyConstraint(["demand_id"], ["demands.id"], name=op.f("fk_deals_demand_id")),
        sa.ForeignKeyConstraint(
            ["introduction_id"], ["introductions.id"], name=op.f("fk_deals_introduction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deals")),
        sa.UniqueConstraint("introduction_id", name=op.f("uq_deals_introduction_id")),
    )
    op.create_index(op.f("ix_deals_achievement_id"), "deals", ["achievement_id"], unique=False)
    op.create_index(op.f("ix_deals_created_at"), "deals", ["created_at"], unique=False)
    op.create_index(op.f("ix_deals_demand_id"), "deals", ["demand_id"], unique=False)
    op.create_index(op.f("ix_deals_state_id"), "deals", ["state", "id"], unique=False)
    op.create_index(op.f("ix_deals_updated_at"), "deals", ["updated_at"], unique=False)
    op.create_table(
        "deal_parties",
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(length=30), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_deal_parties_deal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_deal_parties_organization_id")
        ),
        sa.PrimaryKeyConstraint("deal_id", "organization_id", name=op.f("pk_deal_parties")),
    )
    op.create_index(
        op.f("ix_deal_parties_organization_id"), "deal_parties", ["organization_id"], unique=False
    )
    op.create_table(
        "deal_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("from_state", sa.String(length=30), nullable=True),
        sa.Column("to_state", sa.String(length=30), nullable=False),
        sa.Column("side", sa.String(length=30), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "details", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_deal_steps_deal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_deal_steps_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_steps")),
        sa.UniqueConstraint("deal_id", "number", name=op.f("uq_deal_steps_deal_id_number")),
    )
    op.create_table(
        "deal_documents",
        sa.Column("attachment_id", sa.Uuid(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("step_id", sa.Uuid(), nullable=True),
        sa.Column("side", sa.String(length=30), nullable=False),
        sa.Column("own_side", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachments.id"],
            name=op.f("fk_deal_documents_attachment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_deal_documents_deal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["step_id"], ["deal_steps.id"], name=op.f("fk_deal_documents_step_id")
        ),
        sa.PrimaryKeyConstraint("attachment_id", name=op.f("pk_deal_documents")),
    )
    op.create_index(op.f("ix_deal_documents_deal_id"), "deal_documents", ["deal_id"], unique=False)
    for statement in _append_only()["up"]:
        op.execute(statement)


def downgrade() -> None:
    for statement in _append_only()["down"]:
        op.execute(statement)
    op.drop_index(op.f("ix_deal_documents_deal_id"), table_name="deal_documents")
    op.drop_table("deal_documents")
    op.drop_table("deal_steps")
    op.drop_index(op.f("ix_deal_parties_organization_id"), table_name="deal_parties")
    op.drop_table("deal_parties")
    op.drop_index(op.f("ix_deals_updated_at"), table_name="deals")
    op.drop_index(op.f("ix_deals_state_id"), table_name="deals")
    op.drop_index(op.f("ix_deals_demand_id"), table_name="deals")
    op.drop_index(op.f("ix_deals_created_at"), table_name="deals")
    op.drop_index(op.f("ix_deals_achievement_id"), table_name="deals")
    op.drop_table("deals")


def _append_only() -> dict[str, list[str]]:
    """The history of deals refuses changes, but that an organization becomes another's name."""
    columns = ", ".join(f'"{name}"' for name in _FIXED)
    if op.get_bind().dialect.name == "sqlite":
        names = {f"UPDATE OF {columns}": "deal_steps_no_update", "DELETE": "deal_steps_no_delete"}
        return {
            "up": [
                f"CREATE TRIGGER {name} BEFORE {change} ON deal_steps "
                "BEGIN SELECT RAISE(ABORT, 'deal_steps are append-only'); END"
                for change, name in names.items()
            ],
            "down": [f"DROP TRIGGER {name}" for name in names.values()],
        }
    return {
        "up": [
            "CREATE FUNCTION deal_steps_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RAISE EXCEPTION 'deal_steps are append-only'; END$$",
            f"CREATE TRIGGER deal_steps_append_only BEFORE UPDATE OF {columns} "
            "OR DELETE OR TRUNCATE ON deal_steps "
            "FOR EACH STATEMENT EXECUTE FUNCTION deal_steps_append_only()",
        ],
        "down": [
            "DROP TRIGGER deal_steps_append_only ON deal_steps",
            "DROP FUNCTION deal_steps_append_only()",
        ],
    }
