"""Whose a receipt is: brokers' commissions first, the rest to the sellers by their shares."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from kechuangtong.contracts.content import ContractContent, Party
from kechuangtong.core.money import CENT, split
from kechuangtong.models.contract import ContractSide

NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Part:
    """What of a sum is a party's."""

    side: ContractSide
    organization_id: uuid.UUID | None
    name: str | None
    amount: Decimal

    @property
    def whose(self) -> str:
        """What tells the party from others, also over amendments."""
        return _whose(self.side, self.organization_id, self.name)

    def as_json(self) -> dict[str, Any]:
        return {
            "side": self.side.value,
            "organization_id": str(self.organization_id) if self.organization_id else None,
            "name": self.name,
            "amount": f"{self.amount:.2f}",
        }

    @classmethod
    def from_json(cls, one: Mapping[str, Any]) -> "Part":
        found = one["organization_id"]
        return cls(
            ContractSide(one["side"]),
            uuid.UUID(found) if found else None,
            one["name"],
            Decimal(one["amount"]),
        )


def shares(content: ContractContent, side: ContractSide, amount: Decimal) -> list[Part]:
    """A sum among the parties of a side, by their shares, to the cent."""
    parties = content.of_side(side)
    amounts = split(amount, [one.share or NOTHING for one in parties])
    return [_part(party, its) for party, its in zip(parties, amounts, strict=True)]


def parts(content: ContractContent, amount: Decimal, former: Sequence[Part]) -> list[Part]:
    """Whose a sum is that is received after others, whose parts were `former`.

    A commission grows with all that is received, so that rounding never adds up: a percentage is
    one of all, and an amount is paid in the measure in which the total has come in. What a broker
    has already is left out, and no more is given than there is.
    """
    already: dict[str, Decimal] = {}
    for one in former:
        already[one.whose] = already.get(one.whose, NOTHING) + one.amount
    received = sum(already.values(), NOTHING) + amount
    left = amount
    found = []
    for party in content.of_side(ContractSide.BROKER):
        empty = _part(party, NOTHING)
        target = _commission(party, content.total, received)
        # What it has is counted once, though it may stand in several lines.
        has = min(already.get(empty.whose, NOTHING), target)
        already[empty.whose] = already.get(empty.whose, NOTHING) - has
        its = min(target - has, left)
        left -= its
        found.append(_part(party, its))
    return [*shares(content, ContractSide.SELLER, left), *found]


def reversed_parts(former: Iterable[Part]) -> list[Part]:
    """The same below zero."""
    return [Part(one.side, one.organization_id, one.name, -one.amount) for one in former]


def _commission(party: Party, total: Decimal, received: Decimal) -> Decimal:
    if party.commission_amount is None or not total:
        return party.commission(received)
    exact = party.commission_amount * min(received, total) / total
    return exact.quantize(CENT, ROUND_HALF_UP)


def _part(party: Party, amount: Decimal) -> Part:
    return Part(party.side, party.organization_id, party.name, amount)


def _whose(side: ContractSide, organization_id: uuid.UUID | None, name: str | None) -> str:
    return f"{side.value} {organization_id or name}"
