"""deals made public"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "deals", sa.Column("published_by_seller_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "deals", sa.Column("published_by_buyer_at", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("deals", "published_by_buyer_at")
    op.drop_column("deals", "published_by_seller_at")
