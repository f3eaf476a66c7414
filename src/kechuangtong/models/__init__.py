"""All tables, one file a concept: deals and matches cross every domain."""

from kechuangtong.models.account import IdempotentAnswer, Membership, User
from kechuangtong.models.achievement import Achievement
from kechuangtong.models.base import Base
from kechuangtong.models.demand import Demand
from kechuangtong.models.event import Event
from kechuangtong.models.feedback import MatchFeedback
from kechuangtong.models.importing import Import, ImportRow
from kechuangtong.models.indexing import (
    IndexMark,
    IndexRebuild,
    LiveIndex,
    Profile,
    TermCount,
    Vector,
)
from kechuangtong.models.job import Worker
from kechuangtong.models.organization import Organization

__all__ = [
    "Achievement",
    "Base",
    "Demand",
    "Event",
    "IdempotentAnswer",
    "Import",
    "ImportRow",
    "IndexMark",
    "IndexRebuild",
    "LiveIndex",
    "MatchFeedback",
    "Membership",
    "Organization",
    "Profile",
    "TermCount",
    "User",
    "Vector",
    "Worker",
]
