"""What an instrument says of itself, as it is searched and matched."""

from kechuangtong.models import Instrument
from kechuangtong.policies import instrument_classes


def names(instrument: Instrument) -> list[str]:
    """What it is called beside its name: in English, its model, maker, classes and disciplines."""
    given = [instrument.name_en, instrument.model, instrument.manufacturer]
    classes = instrument_classes.names_of(instrument.class_code) if instrument.class_code else []
    return [one for one in (*given, *classes, *instrument.disciplines) if one]


def body(instrument: Instrument) -> str:
    """What it does, how well, and what is offered with it."""
    parts = (instrument.functions, instrument.specifications, instrument.services)
    return "\n".join(part for part in parts if part)
