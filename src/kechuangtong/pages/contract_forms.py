"""Forms of contracts: which fields are asked for, how they stand in them, and what was typed."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from fastapi import Request

from kechuangtong.contracts import names
from kechuangtong.contracts.content import SUB_KINDS, ContractContent, ContractTerms
from kechuangtong.contracts.plan import ByInstalments, LumpSum
from kechuangtong.core.language import Text
from kechuangtong.models.contract import ContractKind, SubKind
from kechuangtong.pages import labels

KINDS: Final = {
    f"{kind.value}/{sub.value}": Text(
        f"{name.zh}：{names.SUB_KINDS[sub].zh}", f"{name.en}: {names.SUB_KINDS[sub].en}"
    )
    for kind, name in names.KINDS.items()
    for sub in SUB_KINDS
    if SUB_KINDS[sub] is kind
} | {f"{kind.value}/": name for kind, name in names.KINDS.items() if kind not in SUB_KINDS.values()}
"""Kinds with their sub-kinds, of which a contract has one where there are any."""

COMMON: Final = {
    "subject": Text("标的的内容、范围和要求", "Subject"),
    "performance": Text("履行的计划、地点和方式", "Performance"),
    "confidentiality": Text("技术信息和资料的保密", "Confidentiality"),
    "results": Text("技术成果的归属和收益的分配办法", "Whose the results are"),
    "acceptance": Text("验收标准和方法", "Acceptance"),
}
_DIVISION: Final = {"division": Text("合作各方的投资和分工", "Who brings and does what")}
_TRAINING: Final = {"training": Text("培训的对象、内容和期限", "Training")}
_KNOW_HOW: Final = {"know_how": Text("技术秘密及其他成果", "Know-how and other rights")}
PATENT: Final = {
    "name": Text("发明创造名称", "Name"),
    "applicant": Text("申请人", "Applicant"),
    "filed_on": Text("申请日期", "Filed on"),
    "application_number": Text("申请号", "Application number"),
    "owner": Text("专利权人", "Owner"),
    "patent_number": Text("专利号", "Patent number"),
    "valid_until": Text("有效期至", "Valid until"),
}
_PAYMENT: Final = ("amount", "percent", "due_on", "milestone")
_ROWS: Final = 4
_LABELS: Final = {
    **COMMON,
    **_DIVISION,
    **_TRAINING,
    **_KNOW_HOW,
    "definitions": Text("名词和术语", "Definitions"),
    "risk": Text("风险责任", "Risk"),
    "breach": Text("违约责任", "Breach"),
    "disputes": Text("争议解决", "Disputes"),
    "title": Text("项目名称", "Name of the project"),
    "kind": Text("合同类型", "Kind"),
    "sub_kind": Text("合同细类", "Sub-kind"),
    "total": Text("成交额", "Total"),
    "technical": Text("技术交易额", "Of it technology"),
    "pricing": Text("定价方式", "How it was priced"),
    "payment": Text("付款", "Payment"),
    "patents": Text("专利", "Patent"),
    "licence": Text("许可", "Licence"),
    "starts_on": Text("开始日期", "Begins on"),
    "ends_on": Text("结束日期", "Ends on"),
    "reason": Text("原因", "Why"),
    "applied_on": Text("申请日期", "Applied on"),
    "accepted_on": Text("受理日期", "Accepted on"),
    "decided_on": Text("决定日期", "Decided on"),
    "number": Text("编号", "Number"),
    "office": Text("登记机构", "Registry"),
    "due_on": Text("付款日期", "Due on"),
    "base_amount": Text("提成基数", "What the rate is of"),
    "period_start": Text("期间", "Period"),
    "amount": Text("金额", "Amount"),
    "received_on": Text("到款日期", "Received on"),
}


async def sent(request: Request) -> dict[str, str]:
    """All fields of a form: how many payments and patents it names is the form's to say."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def clauses(content: ContractTerms) -> dict[str, Text]:
    """The texts that a contract of its kind has to have, by their fields."""
    found = dict(COMMON)
    if content.sub_kind is SubKind.COOPERATIVE:
        found |= _DIVISION
    if content.sub_kind is SubKind.TRAINING:
        found |= _TRAINING
    if content.kind in (ContractKind.TRANSFER, ContractKind.LICENSE):
        found |= _KNOW_HOW
    return found


def pays_by_rows(content: ContractTerms) -> bool:
    """Whether the rows of a form can say how it is paid: royalties and shares are not asked for."""
    return content.payment is None or isinstance(content.payment, LumpSum | ByInstalments)


def typed_of(content: ContractTerms) -> dict[str, str]:
    """What stands in a form before anything is typed."""
    values = content.model_dump(
        mode="json", include={*_LABELS} - {"payment", "patents", "licence", "number"}
    )
    typed = {name: value for name, value in values.items() if value}
    if content.kind is not None:
        typed["kind"] = f"{content.kind.value}/{content.sub_kind.value if content.sub_kind else ''}"
    if content.licence is not None:
        licence = content.licence.model_dump(mode="json")
        typed |= {f"licence_{name}": value or "" for name, value in licence.items()}
    for number, row in enumerate(_rows(content)):
        typed |= {f"payment-{number}-{name}": text for name, text in row.items()}
    for number, patent in enumerate(content.patents):
        values = patent.model_dump(mode="json", exclude={"pending"})
        typed |= {f"patent-{number}-{name}": value or "" for name, value in values.items()}
        typed[f"patent-{number}-pending"] = "yes" if patent.pending else ""
    return typed


def payment_rows(typed: Mapping[str, str]) -> int:
    """How many payments a form has room for."""
    return max(_ROWS, len(list(_numbered(typed, "payment", _PAYMENT))))


def patent_rows(typed: Mapping[str, str]) -> int:
    """How many patents a form has room for: one more than there are."""
    return sum(any(row.values()) for row in _numbered(typed, "patent", list(PATENT))) + 1


def terms_of(typed: Mapping[str, str], former: ContractTerms | None = None) -> dict[str, Any]:
    """The terms that a form says, as the API takes them; of a `former` contract, what the form does
    not ask for stays."""
    terms: dict[str, Any] = {name: typed[name] for name in ("title", "total") if name in typed}
    kind, _, sub_kind = typed.get("kind", "").partition("/")
    if kind:
        terms |= {"kind": kind, "sub_kind": sub_kind or None}
    optional = {*COMMON, *_DIVISION, *_TRAINING, *_KNOW_HOW, "pricing", "starts_on", "ends_on"}
    terms |= {name: typed[name].strip() or None for name in optional & typed.keys()}
    if "licence_type" in typed and kind in ("", ContractKind.LICENSE):
        known = former.licence.model_dump() if former and former.licence else {}
        asked = ("type", "scope", "until_on")
        terms["licence"] = known | {name: typed.get(f"licence_{name}") or None for name in asked}
    elif kind and kind != ContractKind.LICENSE:
        terms["licence"] = None
    if "payment-0-amount" in typed:
        rows = [
            {name: text for name, text in row.items() if text}
            for row in _numbered(typed, "payment", _PAYMENT)
        ]
        terms["payment"] = _plan([row for row in rows if row])
    if "patent-0-name" in typed:
        terms["patents"] = [
            {name: text or None for name, text in row.items()}
            | {"pending": bool(typed.get(f"patent-{number}-pending"))}
            for number, row in enumerate(_numbered(typed, "patent", list(PATENT)))
            if any(row.values())
        ]
    return terms


def told(loc: Sequence[int | str], text: Text) -> Text:
    """A failure with the label of the field that it lies in."""
    place = [one for one in loc if one not in ("body", "changes")]
    label = _LABELS.get(str(place[0])) if place else None
    if label is None:
        return text
    number = next((f" {one + 1}" for one in place if isinstance(one, int)), "")
    return Text(f"{label.zh}{number}：{text.zh}", f"{label.en}{number}: {text.en}")


def differences(old: ContractContent, new: ContractContent) -> list[tuple[Text, str, str]]:
    """What a proposal would change: the field, as it is and as it would be."""
    return [
        (_LABELS.get(name, Text("其他条款", "Other terms")), _said(old, name), _said(new, name))
        for name in ContractTerms.model_fields
        if getattr(old, name) != getattr(new, name)
    ]


def payments_told(content: ContractTerms) -> list[str]:
    """What was agreed on when how much is paid, a text for each payment."""
    return [" ".join(_told_row(row)) for row in _rows(content)]


def _said(content: ContractContent, name: str) -> str:
    value = getattr(content, name)
    if name == "payment" and pays_by_rows(content):
        return str(Text("；", "; ")).join(payments_told(content)) or "–"
    if isinstance(value, Decimal):
        return str(labels.yuan(value))
    shown = {"kind": names.KINDS, "sub_kind": names.SUB_KINDS, "pricing": labels.PRICINGS}
    if name in shown and value is not None:
        return str(shown[name][value])  # type: ignore[index]
    if value is None or isinstance(value, bool | list) or name in ("payment", "licence"):
        return "–" if not value else "…"
    return str(value)


def _told_row(row: Mapping[str, str]) -> Iterator[str]:
    if not row["amount"] and not row["percent"]:
        yield str(Text("一次总付", "all at once"))
    if row["amount"]:
        yield str(labels.yuan(Decimal(row["amount"])))
    if row["percent"]:
        yield f"{row['percent']}%"
    yield from (row[name] for name in ("due_on", "milestone") if row[name])


def _rows(content: ContractTerms) -> list[dict[str, str]]:
    payment = content.payment
    if isinstance(payment, LumpSum):
        values: list[dict[str, Any]] = [payment.model_dump(mode="json")]
    elif isinstance(payment, ByInstalments):
        values = payment.model_dump(mode="json")["instalments"]
    else:
        return []
    for one in values:
        if one.get("percent"):
            one["percent"] = labels.percent(Decimal(one["percent"]))
    return [{name: one.get(name) or "" for name in _PAYMENT} for one in values]


def _numbered(
    typed: Mapping[str, str], group: str, fields: Sequence[str]
) -> Iterator[dict[str, str]]:
    number = 0
    while f"{group}-{number}-{fields[0]}" in typed:
        yield {name: typed.get(f"{group}-{number}-{name}", "").strip() for name in fields}
        number += 1


def _plan(rows: Sequence[Mapping[str, str]]) -> dict[str, Any] | None:
    """One row that names no amount is all of it at once."""
    if not rows:
        return None
    if len(rows) == 1 and not rows[0].keys() & {"amount", "percent"}:
        return {"kind": "lump_sum", **rows[0]}
    return {"kind": "instalments", "instalments": rows}
