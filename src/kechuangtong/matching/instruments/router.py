"""Instruments for demands, and demands for instruments (仪器匹配), over HTTP."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.core.openapi import answers
from kechuangtong.demands.service import demands
from kechuangtong.instruments import service as instruments
from kechuangtong.instruments.http import InstrumentId
from kechuangtong.lists.http import of_sample
from kechuangtong.matching.instruments import service
from kechuangtong.matching.instruments.schemas import (
    DemandMatchQuery,
    InstrumentMatchQuery,
    ServedDemands,
    SuitableInstruments,
)
from kechuangtong.matching.router import matcher
from kechuangtong.runtime import RuntimeDep
from kechuangtong.sample import ids

router = APIRouter(prefix="/v1", tags=["matches"])

Reader = Annotated[Actor, Depends(requires(Permission.MATCHES_READ))]
DemandId = Annotated[uuid.UUID, of_sample(ids.DEMAND_TO_TEST)]


@router.get(
    "/demands/{demand_id}/instruments",
    summary="Instruments for a demand (为需求匹配仪器)",
    responses=answers(401, 404, 422, 503),
)
async def match_instruments(
    demand_id: DemandId,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Reader,
    query: Annotated[InstrumentMatchQuery, Query()],
) -> SuitableInstruments:
    """Whether a demand asks for testing, measuring or computing (检测、测量、计算), by which words,
    and the published instruments that may do it, with the reasons for and against.

    Prices are those in force for the caller's class of user, free times those that the caller can
    book. Where nothing of the kind is asked for, there are no instruments.
    """
    demand = await demands.get(session, actor, demand_id)
    return await service.for_demand(session, actor, matcher(runtime), demand, query)


@router.get(
    "/instruments/{instrument_id}/demands",
    summary="Demands for an instrument (为仪器匹配需求)",
    responses=answers(401, 404, 422, 503),
)
async def match_demands(
    instrument_id: InstrumentId,
    runtime: RuntimeDep,
    session: ReadSession,
    actor: Reader,
    query: Annotated[DemandMatchQuery, Query()],
) -> ServedDemands:
    """The open demands that ask for testing or computing and that an instrument may serve, with the
    reasons for and against. Whose an anonymous demand (匿名需求) is, is shown as everywhere."""
    instrument = await instruments.get(session, actor, instrument_id)
    return await service.for_instrument(session, actor, matcher(runtime), instrument, query)
