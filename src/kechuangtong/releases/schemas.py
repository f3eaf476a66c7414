"""Deals made public, in the shape of the Open Contracting Data Standard (OCDS 1.1).

Names are the standard's. Amounts are JSON numbers, as it wants them: of at most 14 digits, which a
double holds exactly.
"""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from kechuangtong.core.paging import PageQuery
from kechuangtong.models.deal import DealSide

OCID_PREFIX: Final = "kct"
"""Not registered with the Open Contracting Partnership: what follows it, a UUID, tells apart."""

Amount = Annotated[Decimal, PlainSerializer(float, return_type=float, when_used="json")]


class Tag(StrEnum):
    """What a release tells of."""

    PLANNING = "planning"  # a published achievement or demand
    TENDER = "tender"  # an agreed price on notice
    AWARD = "award"  # what was agreed, and for how much
    CONTRACT = "contract"  # a contract was signed
    IMPLEMENTATION = "implementation"  # money was received
    TERMINATION = "contractTermination"  # the contract was cancelled


class _Ocds(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Value(_Ocds):
    """An amount of money."""

    amount: Amount
    currency: str = "CNY"


class Period(_Ocds):
    """From the beginning of one day to the end of another in the city."""

    start_date: datetime | None = None
    end_date: datetime | None = None


class Reference(_Ocds):
    """A party, by its id."""

    id: str
    name: str


class Identifier(_Ocds):
    """Who a party is by its 统一社会信用代码."""

    scheme: str = "CN-USCC"
    id: str
    legal_name: str


class ReleaseParty(Reference):
    """A party with its roles: `supplier` sells technology, `buyer` pays for it."""

    identifier: Identifier | None = None
    roles: list[str]


class Planning(_Ocds):
    """What it began with: the titles of the achievement and the demand that are published, but for
    an anonymous one."""

    rationale: str


class Tender(_Ocds):
    """The notice of an agreed price (协议定价公示)."""

    id: str
    title: str
    description: str
    status: Annotated[
        str,
        Field(
            description="`active` while it is on notice, then `complete`; `unsuccessful` after an "
            "objection, `withdrawn`"
        ),
    ]
    value: Value
    procurement_method: str = "direct"
    procurement_method_details: str = "协议定价"
    eligibility_criteria: Annotated[
        str | None, Field(description="That the buyer is a maker, or related to one, if so")
    ] = None
    tender_period: Period


class Award(_Ocds):
    """What was agreed."""

    id: str
    status: str = "active"
    value: Value
    suppliers: list[Reference]


class Transaction(_Ocds):
    """The money received until a day, together."""

    id: str
    date: datetime
    value: Value


class Implementation(_Ocds):
    """How a contract is carried out."""

    transactions: list[Transaction]


class ReleaseContract(_Ocds):
    """A contract."""

    id: str
    award_id: Annotated[str, Field(alias="awardID")]
    title: str
    status: Annotated[str, Field(description="`active`, or `terminated`: completed or cancelled")]
    value: Value
    date_signed: datetime
    period: Period | None = None
    implementation: Implementation | None = None


class Release(_Ocds):
    """A deal, or the notice of a price, as it is public at present."""

    ocid: str
    id: Annotated[str, Field(description="Another one whenever what is told has changed")]
    date: datetime
    language: str = "zh"
    tag: list[Tag]
    initiation_type: str = "tender"
    parties: list[ReleaseParty]
    buyer: Reference | None = None
    planning: Planning | None = None
    tender: Tender | None = None
    awards: list[Award] = []
    contracts: list[ReleaseContract] = []


class Publisher(_Ocds):
    """Who publishes."""

    name: str


class Links(_Ocds):
    """Where the next page is."""

    next: str | None = None


class ReleasePackage(_Ocds):
    """One page of releases."""

    uri: str
    version: str = "1.1"
    published_date: datetime
    publisher: Publisher
    releases: list[Release]
    links: Links


class ReleaseQuery(PageQuery):
    """One page, in the order of the ids of deals and notices."""


class Publication(BaseModel):
    """Who has agreed that a deal is public (交易公开)."""

    deal_id: uuid.UUID
    agreed: Annotated[list[DealSide], Field(description="The sides that have")]
    public: Annotated[bool, Field(description="Whether both have")]
    version: int

    @property
    def tag(self) -> str:
        return str(self.version)
