"""What of a record the index holds."""

from datetime import UTC

from kechuangtong.core.trade import ListKind
from kechuangtong.models import Achievement, Demand
from kechuangtong.search.port import Document


def document(record: Achievement | Demand) -> Document:
    """The index's document of a published record; its organization must be loaded.

    The organization of an anonymous demand is not in the index: whoever searches, it is not found.
    """
    assert record.published_at is not None
    owner = None if isinstance(record, Demand) and record.anonymous else record.organization
    achievement = record if isinstance(record, Achievement) else None
    texts = [record.description, achievement.application if achievement else None]
    return Document(
        kind=ListKind.ACHIEVEMENT if achievement else ListKind.DEMAND,
        id=str(record.id),
        title=record.title,
        keywords=tuple(record.keywords),
        text="\n".join(text for text in texts if text),
        organization=owner.name if owner else None,
        organization_id=str(owner.id) if owner else None,
        field=record.field,
        stage=record.stage if isinstance(record, Achievement) else record.required_stage,
        cooperation=tuple(record.cooperation),
        place=record.place,
        published_at=record.published_at.astimezone(UTC),
        valid_until=record.valid_until,
    )
