"""Calculators (政策计算) and the policy table (政策规则) over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.calculators import (
    amount,
    commission,
    deadline,
    research,
    reward,
    service,
    subsidy,
    transfer_tax,
)
from kechuangtong.calculators.calculation import Calculation, RuleRead
from kechuangtong.calculators.schemas import CalculatorRead, PolicyQuery
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, PageQuery, link_next

router = APIRouter(
    prefix="/v1",
    tags=["calculators"],
    dependencies=[Depends(requires(Permission.CALCULATORS))],
)

_ANSWERS = answers(400, 401, 403, 413, 422)


@router.get("/policies", summary="The policy table (政策规则)", responses=answers(401, 403, 422))
async def list_policies(
    request: Request, response: Response, query: Annotated[PolicyQuery, Query()]
) -> Page[RuleRead]:
    """The dated rules that calculations and deadlines stand on, by id: since when, until when, by
    which source, and whether that was verified."""
    page = service.policies(query)
    link_next(request, response, page.next_cursor)
    return page


@router.get("/calculators", summary="The calculators (计算器)", responses=answers(401, 403, 422))
async def list_calculators(
    request: Request, response: Response, query: Annotated[PageQuery, Query()]
) -> Page[CalculatorRead]:
    """The calculators by name, with the rules of all times that each stands on."""
    page = service.calculators(query)
    link_next(request, response, page.next_cursor)
    return page


# A calculation keeps nothing: it is posted for its lists, and repeating it does no harm.


@router.post(
    f"/calculators/{amount.NAME}",
    summary="Technology amount of a contract (技术交易额)",
    responses=_ANSWERS,
)
async def calculate_transaction_amount(
    body: amount.AmountInput,
) -> Calculation[amount.AmountInput, amount.AmountResult]:
    """The total without equipment, materials and other costs that are not for technology. Direct
    costs of a reasonable quantity of the deliverable (`deliverable`) stay in. It lies between
    nothing and the total."""
    return amount.calculate(body)


@router.post(
    f"/calculators/{deadline.NAME}",
    summary="Deadline of registration (认定登记期限)",
    responses=_ANSWERS,
)
async def calculate_registration_deadline(
    body: deadline.DeadlineInput,
) -> Calculation[deadline.DeadlineInput, deadline.DeadlineResult]:
    """By when a registry decides on a contract that it has accepted. Working days are those of the
    State Council's yearly notice; of years whose notice is not in the table, weekends and holidays
    of a fixed date are counted alone (`holidays_unknown`)."""
    return deadline.calculate(body)


@router.post(
    f"/calculators/{reward.NAME}",
    summary="Reward of a transfer (成果转化奖励)",
    responses=_ANSWERS,
)
async def calculate_reward(
    body: reward.RewardInput,
) -> Calculation[reward.RewardInput, reward.RewardResult]:
    """What those get who made what is transferred, by region and way, split to the cent, and how
    much of a cash award counts as wages. Rules and agreements of the state's institutes and
    universities may not fall below the floor; others' go before it."""
    return reward.calculate(body)


@router.post(
    f"/calculators/{transfer_tax.NAME}",
    summary="Tax relief of technology transfer (技术转让所得税优惠)",
    responses=_ANSWERS,
)
async def calculate_transfer_tax_relief(
    body: transfer_tax.TransferTaxInput,
) -> Calculation[transfer_tax.TransferTaxInput, transfer_tax.TransferTaxResult]:
    """A resident firm's income tax on a year's transfers: up to a line exempt, the rest halved.
    Says of each transfer whether it counts and why not; losses and gains of those that count are
    taken together."""
    return transfer_tax.calculate(body)


@router.post(
    f"/calculators/{research.NAME}",
    summary="R&D super deduction (研发费用加计扣除)",
    responses=_ANSWERS,
)
async def calculate_rd_deduction(
    body: research.ResearchInput,
) -> Calculation[research.ResearchInput, research.ResearchResult]:
    """What a firm deducts beyond its R&D expenses of a year. Commissioned R&D counts at a part,
    other related expenses up to a limit; some trades are left out. Where the rate changed within
    the year it is the mean of the months."""
    return research.calculate(body)


@router.post(
    f"/calculators/{subsidy.NAME}",
    summary="Subsidy of a deal (技术交易补助)",
    responses=_ANSWERS,
)
async def calculate_subsidy(
    body: subsidy.SubsidyInput,
) -> Calculation[subsidy.SubsidyInput, subsidy.SubsidyResult]:
    """The base of Chengdu's subsidy: what of the technology amount was invoiced and received in the
    window. The rate is not known: without `percent` the base alone is told."""
    return subsidy.calculate(body)


@router.post(
    f"/calculators/{commission.NAME}",
    summary="Commission of brokers (中介佣金)",
    responses=_ANSWERS,
)
async def calculate_commission(
    body: commission.CommissionInput,
) -> Calculation[commission.CommissionInput, commission.CommissionResult]:
    """What brokers get by a percentage, a sum or brackets, with or without value-added tax, split
    to the cent. Each bracket's percentage holds for what of the amount lies in it."""
    return commission.calculate(body)
