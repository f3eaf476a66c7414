"""Organizations (单位): those who publish, need, serve and pay."""

import uuid

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.trade import OrganizationKind
from kechuangtong.models.base import Base, Record, choice


class Organization(Record, Base):
    """A university, enterprise or another body; without a code (统一社会信用代码) unverified.

    `review` says whether its records are reviewed before publication; null: as the settings say.
    One that was merged into another is kept as a name of that.
    """

    __tablename__ = "organizations"
    __table_args__ = (UniqueConstraint("code"),)

    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(400), index=True)
    kind: Mapped[OrganizationKind] = mapped_column(choice(OrganizationKind))
    code: Mapped[str | None] = mapped_column(String(18))
    place: Mapped[str | None] = mapped_column(String(200))
    review: Mapped[bool | None]
    merged_into_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("organizations.id"), index=True
    )

    def reviewed(self, by_default: bool) -> bool:
        """Whether what it publishes is reviewed before."""
        return by_default if self.review is None else self.review

    @property
    def verified(self) -> bool:
        """Whether a checked code says who this is."""
        return self.code is not None
