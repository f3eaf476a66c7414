"""Demands (需求): what enterprises need solved."""

from sqlalchemy import Integer, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, composite, mapped_column

from kechuangtong.core.trade import Price, PriceKind, Stage, Trl
from kechuangtong.models.base import Base, choice
from kechuangtong.models.listing import Listing, counted_by


class Demand(Listing, Base):
    """A technical demand with the maturity that it asks for and its budget."""

    __tablename__ = "demands"
    __table_args__ = (
        UniqueConstraint("organization_id", "identity"),
        *counted_by("published_at", "field", "place", "cooperation", "required_stage"),
        *counted_by("anonymous organization_id", "budget_kind budget_high budget_low"),
    )

    anonymous: Mapped[bool] = mapped_column(default=False)
    required_stage: Mapped[Stage | None] = mapped_column(choice(Stage))
    required_trl: Mapped[Trl | None] = composite(
        mapped_column("required_trl_scale", String(50), nullable=True),
        mapped_column("required_trl_level", Integer, nullable=True),
        mapped_column("required_trl_evidence", String(200), nullable=True),
        return_none_on=lambda scale, *_: scale is None,
    )
    budget: Mapped[Price] = composite(
        mapped_column("budget_kind", choice(PriceKind)),
        mapped_column("budget_low", Numeric(14, 2), nullable=True),
        mapped_column("budget_high", Numeric(14, 2), nullable=True),
    )
