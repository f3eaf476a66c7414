"""contracts"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "contracts",
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("total", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("technical", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column(
            "content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("versions", sa.Integer(), nullable=False),
        sa.Column("seller_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("buyer_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("cancelled_on", sa.Date(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_contracts_deal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
    )
    op.create_index(op.f("ix_contracts_created_at"), "contracts", ["created_at"], unique=False)
    op.create_index(op.f("ix_contracts_state_id"), "contracts", ["state", "id"], unique=False)
    op.create_index(op.f("ix_contracts_updated_at"), "contracts", ["updated_at"], unique=False)
    op.create_index(
        "uq_contracts_deal_id",
        "contracts",
        ["deal_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('draft', 'signed')"),
        postgresql_where=sa.text("state IN ('draft', 'signed')"),
    )
    op.create_table(
        "contract_parties",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(length=30), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("share", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.Column("commission_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("commission_percent", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
            name=op.f("fk_contract_parties_contract_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_contract_parties_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_parties")),
    )
    op.create_index(
        op.f("ix_contract_parties_contract_id"), "contract_parties", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_contract_parties_organization_id"),
        "contract_parties",
        ["organization_id"],
        unique=False,
    )
    op.create_table(
        "contract_proposals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("by", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column(
            "content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
        ),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
            name=op.f("fk_contract_proposals_contract_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_proposals")),
    )
    op.create_index(
        op.f("ix_contract_proposals_contract_id"),
        "contract_proposals",
        ["contract_id"],
        unique=False,
    )
    op.create_table(
        "contract_registrations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("office", sa.String(length=200), nullable=True),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("total", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("technical", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
            name=op.f("fk_contract_registrations_contract_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contract_registrations")),
        sa.UniqueConstraint("number", name=op.f("uq_contract_registrations_number")),
    )
    op.create_index(
        op.f("ix_contract_registrations_contract_id"),
        "contract_registrations",
        ["contract_id"],
        unique=False,
    )
    op.create_table(
        "contract_versions",
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "content", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
            name=op.f("fk_contract_versions_contract_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contract_id", "number", name=op.f("pk_contract_versions")),
    )
    op.create_table(
        "payments_due",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=30), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("period_start", sa.Date(), nullable=True),
        sa.Column("milestone", sa.String(length=200), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
            name=op.f("fk_payments_due_contract_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments_due")),
        sa.UniqueConstraint(
            "contract_id", "number", name=op.f("uq_payments_due_contract_id_number")
        ),
        sa.UniqueConstraint(
            "contract_id", "period_start", name=op.f("uq_payments_due_contract_id_period_start")
        ),
    )
    op.create_index(
        op.f("ix_payments_due_due_on_id"), "payments_due", ["due_on", "id"], unique=False
    )
    op.create_table(
        "royalty_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("period_start", sa.Date(), nullable=False),
        sa.Column("period_end", sa.Date(), nullable=False),
        sa.Column("base_amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("rate", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
            name=op.f("fk_royalty_reports_contract_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_royalty_reports")),
        sa.UniqueConstraint(
            "contract_id", "period_start", name=op.f("uq_royalty_reports_contract_id_period_start")
        ),
    )
    op.create_table(
        "payment_receipts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("contract_id", sa.Uuid(), nullable=False),
        sa.Column("due_id", sa.Uuid(), nullable=True),
        sa.Column("reverses_id", sa.Uuid(), nullable=True),
        sa.Column("amount", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("invoice_number", sa.String(length=50), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column(
            "parts", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["contract_id"],
            ["contracts.id"],
            name=op.f("fk_payment_receipts_contract_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["due_id"], ["payments_due.id"], name=op.f("fk_payment_receipts_due_id")
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["payment_receipts.id"], name=op.f("fk_payment_receipts_reverses_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_receipts")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_payment_receipts_reverses_id")),
    )
    op.create_index(
        op.f("ix_payment_receipts_contract_id"), "payment_receipts", ["contract_id"], unique=False
    )
    op.create_index(
        op.f("ix_payment_receipts_due_id"), "payment_receipts", ["due_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_payment_receipts_due_id"), table_name="payment_receipts")
    op.drop_index(op.f("ix_payment_receipts_contract_id"), table_name="payment_receipts")
    op.drop_table("payment_receipts")
    op.drop_table("royalty_reports")
    op.drop_index(op.f("ix_payments_due_due_on_id"), table_name="payments_due")
    op.drop_table("payments_due")
    op.drop_table("contract_versions")
    op.drop_index(
        op.f("ix_contract_registrations_contract_id"), table_name="contract_registrations"
    )
    op.drop_table("contract_registrations")
    op.drop_index(op.f("ix_contract_proposals_contract_id"), table_name="contract_proposals")
    op.drop_table("contract_proposals")
    op.drop_index(op.f("ix_contract_parties_organization_id"), table_name="contract_parties")
    op.drop_index(op.f("ix_contract_parties_contract_id"), table_name="contract_parties")
    op.drop_table("contract_parties")
    op.drop_index(
        "uq_contracts_deal_id",
        table_name="contracts",
        sqlite_where=sa.text("state IN ('draft', 'signed')"),
        postgresql_where=sa.text("state IN ('draft', 'signed')"),
    )
    op.drop_index(op.f("ix_contracts_updated_at"), table_name="contracts")
    op.drop_index(op.f("ix_contracts_state_id"), table_name="contracts")
    op.drop_index(op.f("ix_contracts_created_at"), table_name="contracts")
    op.drop_table("contracts")
