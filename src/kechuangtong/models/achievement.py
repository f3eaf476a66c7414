"""Achievements (成果): what universities and institutes have invented."""

from datetime import date
from typing import Any

from sqlalchemy import Integer, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, composite, mapped_column

from kechuangtong.core.trade import Price, PriceKind, Stage, Trl
from kechuangtong.models.base import Base, choice
from kechuangtong.models.listing import Listing, counted_by


class Achievement(Listing, Base):
    """An achievement on offer, with its maturity, rights and price."""

    __tablename__ = "achievements"
    __table_args__ = (
        UniqueConstraint("organization_id", "identity"),
        *counted_by("published_at", "field", "place", "cooperation", "stage", "organization_id"),
    )

    application: Mapped[str | None] = mapped_column(Text)
    stage: Mapped[Stage | None] = mapped_column(choice(Stage))
    trl: Mapped[Trl | None] = composite(
        mapped_column("trl_scale", String(50), nullable=True),
        mapped_column("trl_level", Integer, nullable=True),
        mapped_column("trl_evidence", String(200), nullable=True),
        return_none_on=lambda scale, *_: scale is None,
    )
    intellectual_property: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    evaluations: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    price: Mapped[Price] = composite(
        mapped_column("price_kind", choice(PriceKind)),
        mapped_column("price_low", Numeric(14, 2), nullable=True),
        mapped_column("price_high", Numeric(14, 2), nullable=True),
    )
    completed_on: Mapped[date | None]
