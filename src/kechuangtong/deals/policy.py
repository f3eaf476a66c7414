"""Who may act on a side of a deal."""

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.permissions import Permission
from kechuangtong.models import Deal
from kechuangtong.models.deal import DealSide


def sides(actor: Actor, deal: Deal) -> frozenset[DealSide]:
    """The sides of a deal that an actor may act for."""
    return frozenset(
        party.side
        for party in deal.parties
        if actor.may(Permission.DEALS_WRITE, party.organization_id)
    )
