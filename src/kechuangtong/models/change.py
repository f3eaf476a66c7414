"""The change feed (变更流): which record that is or was public has changed when."""

import uuid

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from kechuangtong.core.trade import ListKind
from kechuangtong.models.base import Base, choice


class PublicChange(Base):
    """A record's latest change that the public could see; it takes the place of those before.

    `position` grows in the order in which transactions are committed. `digest` is that of what the
    public sees; null: nothing any more.
    """

    __tablename__ = "public_changes"

    kind: Mapped[ListKind] = mapped_column(choice(ListKind), primary_key=True)
    record_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, unique=True)
    digest: Mapped[str | None] = mapped_column(String(64))
