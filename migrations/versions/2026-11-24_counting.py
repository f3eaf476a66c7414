"""indexes out of which public records are counted"""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_SHARED = ("published_at", "field", "place", "cooperation")
_COUNTED_BY = {
    "achievements": (*_SHARED, "stage", "organization_id"),
    "demands": (
        *_SHARED,
        "required_stage",
        "anonymous organization_id",
        "budget_kind budget_high budget_low",
    ),
}


def _indexes() -> list[tuple[str, str, list[str]]]:
    found = []
    for table, counted_by in _COUNTED_BY.items():
        for one in counted_by:
            columns = ["state", *one.split(), "valid_until"]
            found.append((op.f(f"ix_{table}_{'_'.join(columns)}"), table, columns))
    return found


def upgrade() -> None:
    for name, table, columns in _indexes():
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, table, _ in _indexes():
        op.drop_index(name, table)
