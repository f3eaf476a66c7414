"""Which district's something is, as a condition."""

from typing import Any

from sqlalchemy import ColumnElement, false, true
from sqlalchemy.orm import InstrumentedAttribute

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import PlatformRole


def of_district(actor: Actor, place: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    """Whether a place is the actor's to review: anywhere for a reviewer without a district."""
    if actor.platform_role is not PlatformRole.REVIEWER:
        return false()
    return true() if actor.district is None else place.contains(actor.district, autoescape=True)
