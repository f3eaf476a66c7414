"""Deals with their steps, contracts and money, written as rows: what figures are counted from."""

import dataclasses
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from kechuangtong.core.db import new_id
from kechuangtong.core.trade import Price, PriceKind
from kechuangtong.models import (
    Achievement,
    Contract,
    ContractParty,
    ContractRegistration,
    Deal,
    DealParty,
    DealStep,
    PaymentReceipt,
)
from kechuangtong.models.contract import (
    ContractKind,
    ContractSide,
    ContractState,
    RegistrationState,
)
from kechuangtong.models.deal import DealSide, DealState
from kechuangtong.models.listing import ListingState

S = DealState


def noon(day: str) -> datetime:
    """An instant of a day, in the city and in UTC."""
    return datetime.combine(date.fromisoformat(day), time(4), UTC)


@dataclasses.dataclass
class Made:
    """A deal as it is written down; `rows` are in the order in which they go in."""

    seller: uuid.UUID
    buyer: uuid.UUID
    steps: list[tuple[DealState, str]]
    field: str | None = None
    cause: str | None = None
    pricing: str = "agreement"
    achievement: Achievement | None = None
    id: uuid.UUID = dataclasses.field(default_factory=new_id)
    rows: list[Any] = dataclasses.field(default_factory=list)

    def __post_init__(self) -> None:
        if self.achievement is None and self.field is not None:
            self.achievement = Achievement(
                id=new_id(),
                organization_id=self.seller,
                identity=f"of {self.id}",
                title=f"成果 {self.id}",
                field=self.field,
                stored_state=ListingState.PUBLISHED,
                published_at=noon("2025-12-01"),
                price=Price(PriceKind.UNKNOWN),
            )
        if self.achievement is not None:
            self.rows.append(self.achievement)
        deal = Deal(
            id=self.id,
            title=f"交易 {self.id}",
            achievement_id=self.achievement and self.achievement.id,
            opened_by=DealSide.BUYER,
            state=self.steps[-1][0],
            created_at=noon(self.steps[0][1]),
            updated_at=noon(self.steps[-1][1]),
        )
        parties = {DealSide.SELLER: self.seller, DealSide.BUYER: self.buyer}
        self.rows.append(deal)
        self.rows += [
            DealParty(deal_id=self.id, organization_id=one, side=side)
            for side, one in parties.items()
        ]
        before: DealState | None = None
        for number, (state, day) in enumerate(self.steps, 1):
            details = {"pricing": self.pricing} if state is S.SIGNED else {}
            if state is S.TERMINATED:
                details = {"reason": "私下的原因"} | ({"cause": self.cause} if self.cause else {})
            self.rows.append(
                DealStep(
                    deal_id=self.id,
                    number=number,
                    action="create" if before is None else "sign_contract",
                    from_state=before,
                    to_state=state,
                    side=DealSide.SELLER,
                    on=date.fromisoformat(day),
                    note="私下的话",
                    details=details,
                )
            )
            before = state

    def contract(
        self,
        total: str,
        technical: str,
        on: str,
        *,
        kind: ContractKind = ContractKind.TRANSFER,
        state: ContractState = ContractState.SIGNED,
        registered: str | None = None,
        share: str = "100",
        **content: Any,
    ) -> uuid.UUID:
        """A contract that was signed on a day; what is not the seller's share is the maker's."""
        one = Contract(
            id=new_id(),
            deal_id=self.id,
            state=state,
            title=f"合同 {total}",
            kind=kind,
            total=Decimal(total),
            technical=Decimal(technical),
            content={"title": f"合同 {total}", **content},
            versions=1,
            signed_on=date.fromisoformat(on),
            created_at=noon(on),
            updated_at=noon(on),
        )
        self.rows.append(one)
        makers = Decimal(100) - Decimal(share)
        parties: list[tuple[ContractSide, uuid.UUID | None, Decimal]] = [
            (ContractSide.SELLER, self.seller, Decimal(share)),
            (ContractSide.BUYER, self.buyer, Decimal(100)),
            *([(ContractSide.SELLER, None, makers)] if makers else []),
        ]
        self.rows += [
            ContractParty(
                contract_id=one.id,
                side=side,
                position=position,
                organization_id=owner,
                name=str(owner),
                share=its,
            )
            for position, (side, owner, its) in enumerate(parties)
        ]
        if registered is not None:
            self.rows.append(
                ContractRegistration(
                    contract_id=one.id,
                    state=RegistrationState.REGISTERED,
                    applied_on=date.fromisoformat(on),
                    decided_on=date.fromisoformat(registered),
                    number=str(new_id().int)[:16],
                    total=one.total,
                    technical=one.technical,
                )
            )
        return one.id

    def receipt(
        self,
        contract_id: uuid.UUID,
        amount: str,
        on: str,
        *,
        reverses: uuid.UUID | None = None,
        commission: str = "0.00",
    ) -> uuid.UUID:
        """Money received on a day, or taken back; the seller's but for the commission."""
        one = PaymentReceipt(
            id=new_id(),
            contract_id=contract_id,
            reverses_id=reverses,
            amount=Decimal(amount),
            received_on=date.fromisoformat(on),
            parts=[
                {"side": side, "organization_id": owner, "name": None, "amount": str(its)}
                for side, owner, its in (
                    ("seller", str(self.seller), Decimal(amount) - Decimal(commission)),
                    ("broker", None, Decimal(commission)),
                )
            ],
            created_at=noon(on),
        )
        self.rows.append(one)
        return one.id
