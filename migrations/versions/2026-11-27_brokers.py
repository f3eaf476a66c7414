"""brokers"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0014"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "brokers",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("grade", sa.String(length=30), nullable=False),
        sa.Column("certificate_number", sa.String(length=100), nullable=False),
        sa.Column("issuer", sa.String(length=200), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=False),
        sa.Column(
            "fields", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "places", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("introduction", sa.Text(), nullable=True),
        sa.Column(
            "contact", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
        ),
        sa.Column(
            "public", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("text_key", sa.Text(), nullable=False),
        sa.Column("fields_key", sa.Text(), nullable=False),
        sa.Column("places_key", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "proposed", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True
        ),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_brokers_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_brokers_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_brokers")),
        sa.UniqueConstraint("user_id", name=op.f("uq_brokers_user_id")),
    )
    op.create_index(op.f("ix_brokers_created_at"), "brokers", ["created_at"], unique=False)
    op.create_index(
        op.f("ix_brokers_organization_id"), "brokers", ["organization_id"], unique=False
    )
    op.create_index(
        op.f("ix_brokers_state_valid_until"), "brokers", ["state", "valid_until"], unique=False
    )
    op.create_index(op.f("ix_brokers_updated_at"), "brokers", ["updated_at"], unique=False)
    op.create_table(
        "service_profiles",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column(
            "services", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column(
            "fields", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column(
            "places", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False
        ),
        sa.Column("text_key", sa.Text(), nullable=False),
        sa.Column("places_key", sa.Text(), nullable=False),
        sa.Column("standing", sa.String(length=30), nullable=True),
        sa.Column("member_since", sa.Date(), nullable=True),
        sa.Column("membership_state", sa.String(length=30), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_service_profiles_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_profiles")),
        sa.UniqueConstraint("organization_id", name=op.f("uq_service_profiles_organization_id")),
    )
    op.create_index(
        op.f("ix_service_profiles_created_at"), "service_profiles", ["created_at"], unique=False
    )
    op.create_index(
        op.f("ix_service_profiles_updated_at"), "service_profiles", ["updated_at"], unique=False
    )
    op.create_table(
        "broker_conflicts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("broker_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["broker_id"],
            ["brokers.id"],
            name=op.f("fk_broker_conflicts_broker_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_broker_conflicts_organization_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broker_conflicts")),
    )
    op.create_index(
        op.f("ix_broker_conflicts_broker_id"), "broker_conflicts", ["broker_id"], unique=False
    )
    op.create_index(
        op.f("ix_broker_conflicts_organization_id"),
        "broker_conflicts",
        ["organization_id"],
        unique=False,
    )
    op.create_table(
        "broker_trainings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("broker_id", sa.Uuid(), nullable=False),
        sa.Column("course", sa.String(length=200), nullable=False),
        sa.Column("hours", sa.Numeric(precision=6, scale=1), nullable=False),
        sa.Column("base", sa.String(length=200), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["broker_id"],
            ["brokers.id"],
            name=op.f("fk_broker_trainings_broker_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broker_trainings")),
    )
    op.create_index(
        op.f("ix_broker_trainings_broker_id"), "broker_trainings", ["broker_id"], unique=False
    )
    op.create_table(
        "mandates",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("broker_id", sa.Uuid(), nullable=False),
        sa.Column("achievement_id", sa.Uuid(), nullable=True),
        sa.Column("demand_id", sa.Uuid(), nullable=True),
        sa.Column("exclusive", sa.Boolean(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("commission_percent", sa.Numeric(precision=5, scale=2), nullable=True),
        sa.Column("commission_amount", sa.Numeric(precision=14, scale=2), nullable=True),
        sa.Column("terms", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=30), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["achievement_id"], ["achievements.id"], name=op.f("fk_mandates_achievement_id")
        ),
        sa.ForeignKeyConstraint(["broker_id"], ["brokers.id"], name=op.f("fk_mandates_broker_id")),
        sa.ForeignKeyConstraint(["demand_id"], ["demands.id"], name=op.f("fk_mandates_demand_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_mandates_organization_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mandates")),
    )
    op.create_index(
        op.f("ix_mandates_achievement_id_state"),
        "mandates",
        ["achievement_id", "state"],
        unique=False,
    )
    op.create_index(op.f("ix_mandates_broker_id"), "mandates", ["broker_id"], unique=False)
    op.create_index(op.f("ix_mandates_created_at"), "mandates", ["created_at"], unique=False)
    op.create_index(
        op.f("ix_mandates_demand_id_state"), "mandates", ["demand_id", "state"], unique=False
    )
    op.create_index(
        op.f("ix_mandates_organization_id"), "mandates", ["organization_id"], unique=False
    )
    op.create_index(op.f("ix_mandates_updated_at"), "mandates", ["updated_at"], unique=False)
    op.create_table(
        "deal_brokers",
        sa.Column("deal_id", sa.Uuid(), nullable=False),
        sa.Column("broker_id", sa.Uuid(), nullable=False),
        sa.Column("side", sa.String(length=30), nullable=False),
        sa.Column("mandate_id", sa.Uuid(), nullable=False),
        sa.Column("agreed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed_by_other_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["broker_id"], ["brokers.id"], name=op.f("fk_deal_brokers_broker_id")
        ),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_deal_brokers_deal_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["mandate_id"], ["mandates.id"], name=op.f("fk_deal_brokers_mandate_id")
        ),
        sa.PrimaryKeyConstraint("deal_id", "broker_id", "side", name=op.f("pk_deal_brokers")),
    )
    op.create_index(op.f("ix_deal_brokers_broker_id"), "deal_brokers", ["broker_id"], unique=False)
    op.create_index(
        op.f("ix_deal_brokers_mandate_id"), "deal_brokers", ["mandate_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_deal_brokers_mandate_id"), table_name="deal_brokers")
    op.drop_index(op.f("ix_deal_brokers_broker_id"), table_name="deal_brokers")
    op.drop_table("deal_brokers")
    op.drop_index(op.f("ix_mandates_updated_at"), table_name="mandates")
    op.drop_index(op.f("ix_mandates_organization_id"), table_name="mandates")
    op.drop_index(op.f("ix_mandates_demand_id_state"), table_name="mandates")
    op.drop_index(op.f("ix_mandates_created_at"), table_name="mandates")
    op.drop_index(op.f("ix_mandates_broker_id"), table_name="mandates")
    op.drop_index(op.f("ix_mandates_achievement_id_state"), table_name="mandates")
    op.drop_table("mandates")
    op.drop_index(op.f("ix_broker_trainings_broker_id"), table_name="broker_trainings")
    op.drop_table("broker_trainings")
    op.drop_index(op.f("ix_broker_conflicts_organization_id"), table_name="broker_conflicts")
    op.drop_index(op.f("ix_broker_conflicts_broker_id"), table_name="broker_conflicts")
    op.drop_table("broker_conflicts")
    op.drop_index(op.f("ix_service_profiles_updated_at"), table_name="service_profiles")
    op.drop_index(op.f("ix_service_profiles_created_at"), table_name="service_profiles")
    op.drop_table("service_profiles")
    op.drop_index(op.f("ix_brokers_updated_at"), table_name="brokers")
    op.drop_index(op.f("ix_brokers_state_valid_until"), table_name="brokers")
    op.drop_index(op.f("ix_brokers_organization_id"), table_name="brokers")
    op.drop_index(op.f("ix_brokers_created_at"), table_name="brokers")
    op.drop_table("brokers")
