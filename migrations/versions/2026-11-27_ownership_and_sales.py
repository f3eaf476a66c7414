"""ownership and sales"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "ownerships",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("achievement_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("use_years", sa.Integer(), nullable=True),
        sa.Column("agreement", sa.String(length=500), nullable=True),
        sa.Column("agreed_on", sa.Date(), nullable=True),
        sa.Column("attachment_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_id"],
            ["achievements.id"],
            name=op.f("fk_ownerships_achievement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"],
            ["attachments.id"],
            name=op.f("fk_ownerships_attachment_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownerships")),
        sa.UniqueConstraint(
            "achievement_id", "number", name=op.f("uq_ownerships_achievement_id_number")
        ),
    )
    op.create_table(
        "inventors",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ownership_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("share", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("contribution", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("main", sa.Boolean(), nullable=False),
        sa.Column("transfer_staff", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ownership_id"],
            ["ownerships.id"],
            name=op.f("fk_inventors_ownership_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventors")),
    )
    op.create_index(op.f("ix_inventors_ownership_id"), "inventors", ["ownership_id"], unique=False)
    op.create_table(
        "ownership_units",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ownership_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("share", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_ownership_units_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["ownership_id"],
            ["ownerships.id"],
            name=op.f("fk_ownership_units_ownership_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ownership_units")),
    )
    op.create_index(
        op.f("ix_ownership_units_organization_id"),
        "ownership_units",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_ownership_units_ownership_id"), "ownership_units", ["ownership_id"], unique=False
    )
    op.create_table(
        "sales",
        sa.Column("achievement_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("deal_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.String(length=30), nullable=False),
        sa.Column("object", sa.String(length=30), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("price", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("increment", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("reserve", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("extension_minutes", sa.Integer(), nullable=True),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("buyer_id", sa.Uuid(), nullable=True),
        sa.Column("buyer_related", sa.Boolean(), nullable=True),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applications_count", sa.Integer(), nullable=False),
        sa.Column("bids_count", sa.Integer(), nullable=False),
        sa.Column("highest", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("fail_reason", sa.String(length=30), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("awarded_to_id", sa.Uuid(), nullable=True),
        sa.Column("awarded_to_maker", sa.Boolean(), nullable=False),
        sa.Column("awarded_price", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("awarded_bidder", sa.Integer(), nullable=True),
        sa.Column("awarded_related", sa.Boolean(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_id"],
            ["achievements.id"],
            name=op.f("fk_sales_achievement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["awarded_to_id"], ["organizations.id"], name=op.f("fk_sales_awarded_to_id")
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["organizations.id"], name=op.f("fk_sales_buyer_id")),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_sales_deal_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_sales_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales")),
    )
    op.create_index(op.f("ix_sales_achievement_id"), "sales", ["achievement_id"], unique=False)
    op.create_index(op.f("ix_sales_awarded_to_id"), "sales", ["awarded_to_id"], unique=False)
    op.create_index(op.f("ix_sales_buyer_id"), "sales", ["buyer_id"], unique=False)
    op.create_index(op.f("ix_sales_created_at"), "sales", ["created_at"], unique=False)
    op.create_index(op.f("ix_sales_deal_id"), "sales", ["deal_id"], unique=False)
    op.create_index(op.f("ix_sales_organization_id"), "sales", ["organization_id"], unique=False)
    op.create_index(op.f("ix_sales_state_closes_at"), "sales", ["state", "closes_at"], unique=False)
    op.create_index(op.f("ix_sales_updated_at"), "sales", ["updated_at"], unique=False)
    op.create_table(
        "first_refusals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("price", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("answer_until", sa.Date(), nullable=False),
        sa.Column("answer", sa.String(length=30), nullable=False),
        sa.Column("answered_on", sa.Date(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_first_refusals_sale_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_first_refusals")),
    )
    op.create_index(
        op.f("ix_first_refusals_sale_id_id"), "first_refusals", ["sale_id", "id"], unique=False
    )
    op.create_table(
        "sale_entrants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("related", sa.Boolean(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_sale_entrants_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_sale_entrants_sale_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_entrants")),
        sa.UniqueConstraint("sale_id", "number", name=op.f("uq_sale_entrants_sale_id_number")),
    )
    op.create_index(
        op.f("ix_sale_entrants_organization_id"), "sale_entrants", ["organization_id"], unique=False
    )
    op.create_table(
        "sale_objections",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("objector", sa.String(length=200), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("outcome", sa.String(length=30), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_sale_objections_organization_id"),
        ),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_sale_objections_sale_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_objections")),
    )
    op.create_index(
        op.f("ix_sale_objections_organization_id"),
        "sale_objections",
        ["organization_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_sale_objections_sale_id"), "sale_objections", ["sale_id"], unique=False
    )
    op.create_table(
        "sale_bids",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sale_id", sa.Uuid(), nullable=False),
        sa.Column("entrant_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["entrant_id"],
            ["sale_entrants.id"],
            name=op.f("fk_sale_bids_entrant_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sale_id"], ["sales.id"], name=op.f("fk_sale_bids_sale_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_bids")),
        sa.UniqueConstraint("sale_id", "amount", name=op.f("uq_sale_bids_sale_id_amount")),
    )
    op.create_index(op.f("ix_sale_bids_entrant_id"), "sale_bids", ["entrant_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_sale_bids_entrant_id"), table_name="sale_bids")
    op.drop_table("sale_bids")
    op.drop_index(op.f("ix_sale_objections_sale_id"), table_name="sale_objections")
    op.drop_index(op.f("ix_sale_objections_organization_id"), table_name="sale_objections")
    op.drop_table("sale_objections")
    op.drop_index(op.f("ix_sale_entrants_organization_id"), table_name="sale_entrants")
    op.drop_table("sale_entrants")
    op.drop_index(op.f("ix_first_refusals_sale_id_id"), table_name="first_refusals")
    op.drop_table("first_refusals")
    op.drop_index(op.f("ix_sales_updated_at"), table_name="sales")
    op.drop_index(op.f("ix_sales_state_closes_at"), table_name="sales")
    op.drop_index(op.f("ix_sales_organization_id"), table_name="sales")
    op.drop_index(op.f("ix_sales_deal_id"), table_name="sales")
    op.drop_index(op.f("ix_sales_created_at"), table_name="sales")
    op.drop_index(op.f("ix_sales_buyer_id"), table_name="sales")
    op.drop_index(op.f("ix_sales_awarded_to_id"), table_name="sales")
    op.drop_index(op.f("ix_sales_achievement_id"), table_name="sales")
    op.drop_table("sales")
    op.drop_index(op.f("ix_ownership_units_ownership_id"), table_name="ownership_units")
    op.drop_index(op.f("ix_ownership_units_organization_id"), table_name="ownership_units")
    op.drop_table("ownership_units")
    op.drop_index(op.f("ix_inventors_ownership_id"), table_name="inventors")
    op.drop_table("inventors")
    op.drop_table("ownerships")
