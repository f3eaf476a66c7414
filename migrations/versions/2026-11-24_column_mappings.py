"""what undoing an import needs: the record's version after each row, and how it was before"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("import_rows", sa.Column("version", sa.Integer(), nullable=True))
    op.add_column("import_rows", sa.Column("before", _JSON, nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("import_rows", schema=None) as batch_op:
        batch_op.drop_column("before")
        batch_op.drop_column("version")
