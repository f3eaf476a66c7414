"""what callers say of columns; for undoing, versions after each row and how records were before"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("import_rows", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("import_rows", sa.Column("before", _JSON, nullable=True))
    op.add_column("imports", sa.Column("mapping", _JSON, nullable=True))
    op.create_table(
        "column_mappings",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("columns", _JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "kind", name=op.f("pk_column_mappings")),
    )


def downgrade() -> None:
    op.drop_table("column_mappings")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_column("mapping")
    with op.batch_alter_table("import_rows", schema=None) as batch_op:
        batch_op.drop_column("before")
        batch_op.drop_column("version")
