"""Calculators (计算器): a form each, and what comes out with the rules that it stands on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ValidationError

from kechuangtong.accounts.deps import requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.calculators import service
from kechuangtong.calculators.calculation import Calculation, RuleRead, percent
from kechuangtong.core.errors import Invalid, validation_text
from kechuangtong.core.language import Text
from kechuangtong.pages import labels
from kechuangtong.pages.calculator_forms import CHOICES, FORMS, at_first, label_of, question
from kechuangtong.pages.rendering import page, page_router

router = page_router()
_MAY = Depends(requires(Permission.CALCULATORS))

RESULTS: Final = {
    "due_on": Text("截止日期", "Last day"),
    "days": Text("期限天数", "Days"),
    "working_days": Text("按工作日计", "Working days"),
    "total": Text("合同总额", "Total"),
    "deducted": Text("扣除额", "Deducted"),
    "kept": Text("不扣除的直接成本", "Direct cost that stays in"),
    "amount": Text("金额", "Amount"),
    "base": Text("基数", "Base"),
    "floor_percent": Text("最低比例", "Least percentage"),
    "percent": Text("比例", "Percentage"),
    "award": Text("奖励总额", "Award"),
    "remaining": Text("单位留存", "What the unit keeps"),
    "taxable": Text("计税金额", "Taxed amount"),
    "contributors": Text("奖励对象", "Who gets what"),
    "name": Text("名称", "Name"),
    "role": Text("角色", "Role"),
    "transfers": Text("各项转让", "The transfers"),
    "income": Text("所得", "Income"),
    "eligible": Text("符合条件", "Counts"),
    "reason": Text("不符合之处", "Why not"),
    "reasons": Text("不符合之处", "What speaks against it"),
    "eligible_income": Text("符合条件的所得", "Income that counts"),
    "other_income": Text("其他所得", "Other income"),
    "exempt": Text("免税所得", "Exempt"),
    "halved_untaxed": Text("减半免征部分", "Halved: not taxed"),
    "halved_taxable": Text("减半应税部分", "Halved: taxed"),
    "tax": Text("应纳税额", "Tax"),
    "tax_without": Text("不享受优惠的税额", "Tax without the relief"),
    "saving": Text("节税额", "Saved"),
    "counted_other": Text("计入的其他相关费用", "Other related expenses counted"),
    "counted_commissioned": Text("计入的委托研发费用", "Commissioned counted"),
    "extra_expenses": Text("费用加计扣除额", "Extra of expenses"),
    "extra_amortization": Text("无形资产加计摊销额", "Extra of amortization"),
    "extra": Text("加计扣除合计", "Extra in all"),
    "counted": Text("已开票且到账", "Invoiced and received"),
    "subsidy": Text("补助额", "Subsidy"),
    "brackets": Text("各段", "Brackets"),
    "commission": Text("佣金", "Commission"),
    "net": Text("不含税", "Without tax"),
    "vat": Text("增值税", "Value-added tax"),
    "gross": Text("含税", "With tax"),
    "brokers": Text("各经纪人", "Brokers"),
}
"""Names of what comes out."""


@dataclass(frozen=True, slots=True)
class Table:
    """Results that are a list."""

    name: Text
    columns: Sequence[Text]
    rows: Sequence[Sequence[str]]


@router.get("/calculators", dependencies=[_MAY])
async def show_calculators(request: Request) -> HTMLResponse:
    """The calculators, and what each is for."""
    return page(request, "calculators.html", calculators=list(service.CALCULATORS.values()))


@router.get("/calculators/{name}", dependencies=[_MAY])
async def show_calculator(request: Request, name: str) -> HTMLResponse:
    """A calculator's form, and the rules that it knows."""
    return _calculator(request, service.calculator(name), at_first(name))


@router.post("/calculators/{name}", dependencies=[_MAY])
async def calculate(request: Request, name: str) -> HTMLResponse:
    """The form again, with what came out or what is not right."""
    calculator = service.calculator(name)
    typed = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
    problem: Text
    try:
        answer = calculator.calculate(calculator.inputs.model_validate(question(name, typed)))
    except ValidationError as error:
        first = error.errors()[0]
        problem = _at(name, first["loc"], validation_text(dict(first)))
    except Invalid as error:
        problem = _at(name, [one for one in error.loc or () if one != "body"], error.message)
    else:
        return _calculator(request, calculator, typed, answer=answer)
    return _calculator(
        request, calculator, typed, status=HTTPStatus.UNPROCESSABLE_ENTITY, problem=problem
    )


def _at(name: str, loc: Sequence[int | str], text: Text) -> Text:
    """A failure with the label of its field."""
    label = label_of(name, loc)
    return text if label is None else Text(f"{label.zh}：{text.zh}", f"{label.en}: {text.en}")


def _calculator(
    request: Request,
    calculator: service.Calculator,
    typed: dict[str, str],
    *,
    answer: Calculation[Any, Any] | None = None,
    status: HTTPStatus = HTTPStatus.OK,
    problem: Text | None = None,
) -> HTMLResponse:
    facts: list[tuple[Text, str]] = []
    tables: list[Table] = []
    if answer is not None:
        facts, tables = _shown(answer.results)
    rules = [RuleRead.of(rule) for rule in calculator.rules] if answer is None else answer.rules
    return page(
        request,
        "calculator.html",
        status=status,
        problem=problem,
        calculator=calculator,
        form=FORMS[calculator.name],
        choices=CHOICES,
        typed=typed,
        answer=answer,
        facts=facts,
        tables=tables,
        rules=rules,
    )


def _shown(results: BaseModel) -> tuple[list[tuple[Text, str]], list[Table]]:
    """Results as one reads them: single ones, and lists as tables."""
    facts: list[tuple[Text, str]] = []
    tables: list[Table] = []
    for name, value in results:
        if isinstance(value, list) and value and isinstance(value[0], BaseModel):
            fields = list(type(value[0]).model_fields)
            rows = [[_said(field, getattr(one, field)) for field in fields] for one in value]
            tables.append(Table(RESULTS[name], [RESULTS[field] for field in fields], rows))
        elif value != []:
            facts.append((RESULTS[name], _said(name, value)))
    return facts, tables


def _said(name: str, value: Any) -> str:  # noqa: ANN401
    """One value as texts write it."""
    if isinstance(value, StrEnum):
        return str(CHOICES[type(value)][value])
    if isinstance(value, bool):
        return str(Text("是", "yes") if value else Text("否", "no"))
    if isinstance(value, Decimal):
        return percent(value) if name.endswith("percent") else str(labels.yuan(value))
    if isinstance(value, list):
        return str(Text("；", "; ")).join(value)
    if isinstance(value, date):
        return value.isoformat()
    return "–" if value is None else str(value)
