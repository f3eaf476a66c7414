"""photographs"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("attachments", sa.Column("caption", sa.String(length=200), nullable=True))
    op.add_column("attachments", sa.Column("position", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.execute("DELETE FROM attachments WHERE subject_kind = 'instrument'")
    op.drop_column("attachments", "position")
    op.drop_column("attachments", "caption")
