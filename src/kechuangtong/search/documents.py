"""What of a record the index holds."""

from datetime import UTC, datetime

from kechuangtong.core.trade import IndexKind
from kechuangtong.instruments import texts
from kechuangtong.models import Achievement, Demand, Instrument
from kechuangtong.policies import instrument_classes
from kechuangtong.search.port import Document


def document(record: Achievement | Demand | Instrument) -> Document:
    """The index's document of a published record; its organization must be loaded.

    The organization of an anonymous demand is not in the index: whoever searches, it is not found.
    """
    if isinstance(record, Instrument):
        return _of_instrument(record)
    owner = None if isinstance(record, Demand) and record.anonymous else record.organization
    achievement = record if isinstance(record, Achievement) else None
    parts = [record.description, achievement.application if achievement else None]
    return Document(
        kind=IndexKind.ACHIEVEMENT if achievement else IndexKind.DEMAND,
        id=str(record.id),
        title=record.title,
        keywords=tuple(record.keywords),
        text="\n".join(part for part in parts if part),
        organization=owner.name if owner else None,
        organization_id=str(owner.id) if owner else None,
        field=record.field,
        stage=record.stage if isinstance(record, Achievement) else record.required_stage,
        cooperation=tuple(record.cooperation),
        place=record.place,
        published_at=_instant(record.published_at),
        valid_until=record.valid_until,
    )


def _of_instrument(instrument: Instrument) -> Document:
    """The address of an instrument is found by its words, too."""
    return Document(
        kind=IndexKind.INSTRUMENT,
        id=str(instrument.id),
        title=instrument.name,
        keywords=tuple(texts.names(instrument)),
        text="\n".join(part for part in (texts.body(instrument), instrument.place) if part),
        organization=instrument.organization.name,
        organization_id=str(instrument.organization_id),
        field=None,
        stage=None,
        cooperation=(),
        place=instrument.place,
        published_at=_instant(instrument.published_at),
        valid_until=None,
        classes=tuple(instrument_classes.levels_of(instrument.class_code or "")),
        instrument_kind=instrument.kind,
        share_mode=instrument.share_mode,
    )


def _instant(published_at: datetime | None) -> datetime:
    assert published_at is not None
    return published_at.astimezone(UTC)
