"""Demands and the instruments that can test or compute what they need, as they are shown."""

import uuid
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, Field

from kechuangtong.core.schemas import Input, Line
from kechuangtong.demands.schemas import DemandRead
from kechuangtong.instruments.schemas import InstrumentRead, TimeRead
from kechuangtong.matching.schemas import Reasons
from kechuangtong.search.schemas import InstrumentFilter

Item = TypeVar("Item")


class DemandMatchQuery(Input):
    """How many demands."""

    limit: Annotated[int, Field(ge=1, le=100)] = 20


class InstrumentMatchQuery(InstrumentFilter, DemandMatchQuery):
    """How many instruments, and among which."""

    place: Annotated[list[Line], Field(max_length=20, description="Places (所在地)")] = []
    organization_id: Annotated[list[uuid.UUID], Field(max_length=20)] = []


class TestRead(BaseModel):
    """A kind of test (检测类别)."""

    code: str
    name: str


class AskingWord(BaseModel):
    """A word that asks for testing or computing, and where it first stands in the demand."""

    term: str
    field: str
    start: int
    end: int


class NeedRead(BaseModel):
    """Whether a demand asks for testing or computing (检测、计算), and how that is known."""

    asked: bool
    words: Annotated[list[AskingWord], Field(description="The words that say so (所依据的词)")]
    tests: Annotated[list[TestRead], Field(description="The tests it names (检测类别)")]
    vocabulary: Annotated[str, Field(description="Version of the list of words (词表版本)")]


class _Explained(BaseModel):
    score: Annotated[
        float,
        Field(
            ge=0,
            le=100,
            description="Points: up to 50 for the part of the tests asked for that the instrument "
            "does, 30 for the part of the words in common, 20 for how early the index proposed "
            "it; half of that where it does not run or is not open to the caller. It compares "
            "within one answer, and is no probability (得分，不是概率)",
        ),
    ]
    reasons: Reasons


class SuitableInstrument(_Explained):
    """An instrument that may test or compute what a demand needs."""

    instrument: InstrumentRead
    free: Annotated[
        TimeRead | None, Field(description="When it can be booked next, in 14 days (最早空闲)")
    ]


class ServedDemand(_Explained):
    """A demand that an instrument may serve."""

    demand: DemandRead
    need: NeedRead


class Suitable(BaseModel, Generic[Item]):
    """The best, best first."""

    items: list[Item]
    engine: Annotated[str, Field(description="The index that proposed")]
    degraded: Annotated[str | None, Field(description="Why it is less than it could be")]
    notice: Annotated[str | None, Field(description="Set where there is nothing: why")]


class SuitableInstruments(Suitable[SuitableInstrument]):
    """What a demand asks for, and the instruments for it."""

    need: NeedRead


class ServedDemands(Suitable[ServedDemand]):
    """The tests that an instrument does, and the demands for it."""

    tests: list[TestRead]
