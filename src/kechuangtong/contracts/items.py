"""What a contract has to say before it can be signed, by its kind, with the article that says so.

After the 民法典, book three, chapter twenty, and the Supreme Court's 技术合同解释. 845 names what a
technology contract generally has; it is asked for here since registration looks at it too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from kechuangtong.contracts.content import ContractContent
from kechuangtong.core.language import Text
from kechuangtong.models.contract import ContractKind, ContractSide, SubKind


class Missing(NamedTuple):
    """An item that is missing: a stable code, what it is, the article that asks for it."""

    code: str
    text: Text
    article: str


@dataclass(frozen=True, slots=True)
class _Rule:
    code: str
    text: Text
    article: str
    there: Callable[[ContractContent], object]
    of: Callable[[ContractContent], bool] = lambda _: True

    def missing(self, content: ContractContent) -> bool:
        return self.of(content) and not self.there(content)


def _of_kind(*kinds: ContractKind) -> Callable[[ContractContent], bool]:
    return lambda content: content.kind in kinds


def _of_sub(*sub_kinds: SubKind) -> Callable[[ContractContent], bool]:
    return lambda content: content.sub_kind in sub_kinds


_DIVIDED: Final = _of_kind(ContractKind.DEVELOPMENT, ContractKind.SERVICE)
_OF_RIGHTS: Final = _of_kind(ContractKind.TRANSFER, ContractKind.LICENSE)

_RULES: Final = (
    _Rule(
        "sub_kind",
        Text("合同细类", "the sub-kind of the contract"),
        "民法典 851、878、887",
        lambda one: one.sub_kind,
        _DIVIDED,
    ),
    _Rule(
        "subject",
        Text("标的的内容、范围和要求", "content, scope and requirements of the subject"),
        "民法典 845",
        lambda one: one.subject,
    ),
    _Rule(
        "performance",
        Text("履行的计划、地点和方式", "plan, place and way of performance"),
        "民法典 845",
        lambda one: one.performance,
    ),
    _Rule(
        "confidentiality",
        Text("技术信息和资料的保密", "confidentiality of what is technical"),
        "民法典 845",
        lambda one: one.confidentiality,
    ),
    _Rule(
        "results",
        Text("技术成果的归属和收益的分配办法", "whose the results are, and who profits"),
        "民法典 845",
        lambda one: one.results,
    ),
    _Rule(
        "acceptance",
        Text("验收标准和方法", "standard and method of acceptance"),
        "民法典 845",
        lambda one: one.acceptance,
    ),
    _Rule(
        "payment",
        Text("价款、报酬或者使用费的支付方式", "how the price is paid"),
        "民法典 846",
        lambda one: one.payment,
    ),
    _Rule(
        "division",
        Text("合作各方的投资和分工", "what each brings and does in the cooperation"),
        "民法典 855",
        lambda one: one.division,
        _of_sub(SubKind.COOPERATIVE),
    ),
    _Rule(
        "training",
        Text("培训的对象、内容和期限", "for whom the training is, what and how long"),
        "民法典 887",
        lambda one: one.training,
        _of_sub(SubKind.TRAINING),
    ),
    _Rule(
        "rights",
        Text(
            "转让或许可的专利、技术秘密或其他成果", "the patents or other rights that it is about"
        ),
        "民法典 862、863",
        lambda one: one.patents or one.know_how,
        _OF_RIGHTS,
    ),
    _Rule(
        "licence_scope",
        Text("许可实施的方式和范围", "in which ways and how far it may be used"),
        "民法典 845、864",
        lambda one: one.licence and one.licence.scope,
        _of_kind(ContractKind.LICENSE),
    ),
    _Rule(
        "licence_within_patent",
        Text(
            "许可期限不得超过专利权的有效期限", "a licence that ends no later than its patents do"
        ),
        "民法典 865",
        lambda one: not _outlives(one),
        _of_kind(ContractKind.LICENSE),
    ),
    _Rule(
        "sellers",
        Text("卖方", "a seller"),
        "民法典 843",
        lambda one: one.of_side(ContractSide.SELLER),
    ),
    _Rule(
        "buyers",
        Text("买方", "a buyer"),
        "民法典 843",
        lambda one: one.of_side(ContractSide.BUYER),
    ),
)

# Of each patent (845, the third paragraph); the later ones where it is granted.
_OF_PATENT: Final = (
    ("name", Text("发明创造名称", "name of the invention"), False),
    ("applicant", Text("申请人", "applicant"), False),
    ("filed_on", Text("申请日期", "filing date"), False),
    ("application_number", Text("申请号", "application number"), False),
    ("owner", Text("专利权人", "owner"), True),
    ("patent_number", Text("专利号", "patent number"), True),
    ("valid_until", Text("专利权的有效期限", "term of the patent"), True),
)


def missing_items(content: ContractContent) -> list[Missing]:
    """What a contract lacks by the law on its kind, with its article; nothing: it may be signed."""
    found = [
        Missing(rule.code, rule.text, rule.article) for rule in _RULES if rule.missing(content)
    ]
    for place, patent in enumerate(content.patents, 1):
        for name, text, once_granted in _OF_PATENT:
            if getattr(patent, name) is None and not (once_granted and patent.pending):
                told = Text(f"第 {place} 项专利的{text.zh}", f"of patent {place} the {text.en}")
                found.append(Missing(f"patent_{place}_{name}", told, "民法典 845"))
    return found


def _outlives(content: ContractContent) -> bool:
    """Whether a licence of patents alone lasts longer than the last of them."""
    licence = content.licence
    if licence is None or licence.until_on is None or content.know_how or not content.patents:
        return False
    ends = [one.valid_until for one in content.patents if not one.pending]
    known = [one for one in ends if one is not None]
    return len(known) == len(content.patents) and licence.until_on > max(known)
