"""Deals (交易) on the way in and out."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import FreeText, Input, Line, ShortLine, Yuan
from kechuangtong.core.trade import Cooperation
from kechuangtong.deals.states import Action, Cause, Pricing
from kechuangtong.interests.schemas import MatchedAs, RecordBrief
from kechuangtong.lists.schemas import OrganizationBrief
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.sample import ids

Note = Annotated[FreeText, StringConstraints(min_length=1, max_length=5_000)]
SaleReference = Annotated[FreeText, StringConstraints(min_length=1, max_length=200)]
"""The exchange at which a sale was held, and the number of its transaction."""
Day = Annotated[date, Field(description="The day on which it was done; today where it is left out")]


class DealCreate(Input):
    """From an introduction, or directly: of another's published record, with one's own beside."""

    model_config = ConfigDict(json_schema_extra={"example": {"introduction_id": ids.INTRODUCTION}})

    introduction_id: Annotated[
        uuid.UUID | None, Field(description="An introduction (引荐) of one's own; one deal each")
    ] = None
    achievement_id: uuid.UUID | None = None
    demand_id: uuid.UUID | None = None
    organization_id: Annotated[
        uuid.UUID | None,
        Field(description="Who opens the deal (本方单位); needed by who acts for several"),
    ] = None
    title: Annotated[Line | None, Field(description="Else that of the record")] = None
    on: Day | None = None
    note: Note | None = None


class StepCreate(Input):
    """One step. What belongs to other actions than the one named is refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "action": "publish_price",
                "side": "seller",
                "price": "1200000.00",
                "way": "transfer",
            }
        }
    )

    action: Action
    on: Day | None = None
    side: Annotated[
        DealSide | None, Field(description="For which side; needed by who acts for both")
    ] = None
    note: Annotated[Note | None, Field(description="What both sides are told (说明)")] = None
    reason: Annotated[
        Note | None,
        Field(description="Why; of `return_to_negotiation`, `refuse_registration` and `terminate`"),
    ] = None
    cause: Annotated[
        Cause | None, Field(description="终止原因, as figures count it; of `terminate`")
    ] = None
    price: Annotated[Yuan | None, Field(description="拟交易价格 in yuan, of `publish_price`")] = (
        None
    )
    way: Annotated[Cooperation | None, Field(description="交易方式, of `publish_price`")] = None
    related: Annotated[
        bool | None,
        Field(description="受让方为成果完成人或其关联方, of `publish_price`; no unless told"),
    ] = None
    pricing: Annotated[
        Pricing | None,
        Field(
            description="定价方式, of `sign_contract`; that of the side which signed first, else "
            "`agreement`, unless told"
        ),
    ] = None
    sale_reference: Annotated[
        SaleReference | None,
        Field(
            description="Of a listing or auction elsewhere: the exchange and its transaction "
            "number (交易场所和成交编号), beside `pricing`"
        ),
    ] = None
    register_number: Annotated[
        ShortLine | None, Field(description="登记编号, 16 digits or 14, of `register`")
    ] = None
    amount: Annotated[Yuan | None, Field(description="In yuan, of `record_receipt`")] = None


class PartyCreate(Input):
    """An organization that joins a side."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"organization_id": str(ids.sample_id("e003")), "side": "seller"}
        }
    )

    organization_id: uuid.UUID
    side: Annotated[
        DealSide | None, Field(description="Which side; needed by who acts for both")
    ] = None


class PartyRead(BaseModel):
    """An organization on a side of a deal."""

    organization: OrganizationBrief
    side: DealSide
    leading: Annotated[bool, Field(description="The first of its side (牵头单位)")]


class DealAction(BaseModel):
    """Something to do, and the side that does it."""

    action: Action
    side: DealSide


class Agreement(DealAction):
    """What one side has agreed to; the other is waited for."""

    on: date


class PriceNotice(BaseModel):
    """The price notice (价格公示) that was begun last."""

    price: Yuan
    way: Cooperation
    related: bool
    from_: Annotated[date, Field(alias="from")]
    until: Annotated[date, Field(description="Its last day; the contract is signed after it")]


class DealRead(BaseModel):
    """A deal as its parties see it."""

    id: uuid.UUID
    title: str
    state: DealState
    opened_by: DealSide
    achievement: RecordBrief | None
    demand: RecordBrief | None
    introduction_id: uuid.UUID | None
    parties: list[PartyRead]
    match: Annotated[
        MatchedAs | None, Field(description="What the ranking said of the pair at the time")
    ]
    waiting_for: Annotated[
        list[DealSide], Field(description="The sides whose act brings the deal on (待谁处理)")
    ]
    created_at: datetime
    updated_at: datetime
    version: int


class DealDetail(DealRead):
    """A deal, what has been agreed by one side, and what the caller can do now."""

    agreements: list[Agreement]
    price_notice: PriceNotice | None
    actions: Annotated[list[DealAction], Field(description="What the caller may do today")]

    @property
    def tag(self) -> str:
        return str(self.version)


class StepRead(BaseModel):
    """One step of a deal's history."""

    number: int
    action: Action
    from_state: DealState | None
    to_state: DealState
    side: DealSide
    organization: OrganizationBrief | None
    user: Annotated[str | None, Field(description="Who did it; told to its own side alone")]
    on: date
    note: str | None
    details: dict[str, Any]
    created_at: datetime


class BoardColumn(BaseModel):
    """The deals in one state: how many, and the first of them, what waits longest first."""

    state: DealState
    count: int
    deals: list[DealRead]


class Board(BaseModel):
    """The deals of one's organizations, by state in the order of the trade (交易看板)."""

    columns: list[BoardColumn]


class DealQuery(PageQuery):
    """Filters of the list; several of them must all hold."""

    state: DealState | None = None
    side: Annotated[DealSide | None, Field(description="On which one's own organization is")] = None
    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None
    achievement_id: uuid.UUID | None = None
    demand_id: uuid.UUID | None = None


class StepQuery(PageQuery):
    """The history, the first step first."""


class BoardQuery(Input):
    """Of which of one's organizations."""

    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None


class DocumentForm(Input):
    """A file, and what it belongs to."""

    file: Annotated[
        UploadFile, Field(description="pdf, png, jpg, webp, docx, xlsx, pptx, txt, csv or zip")
    ]
    step: Annotated[
        int | None, Field(ge=1, le=1_000_000, description="The number of its step (步骤), if any")
    ] = None
    own_side: Annotated[
        bool, Field(description="Whether it is hidden from the other side (仅本方可见)")
    ] = False
    side: Annotated[
        DealSide | None, Field(description="Which side's it is; needed by who acts for both")
    ] = None


class DocumentRead(BaseModel):
    """A document of a deal."""

    id: uuid.UUID
    step: Annotated[int | None, Field(description="The number of the step that it belongs to")]
    side: DealSide
    own_side: bool
    organization_id: uuid.UUID
    name: str
    media_type: str
    size: Annotated[int, Field(description="In bytes")]
    sha256: str
    created_at: datetime
