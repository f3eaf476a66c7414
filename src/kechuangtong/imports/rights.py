"""Patents, other rights and evaluations as people type them, several in a cell."""

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from kechuangtong.core.identifiers import IdentifierError, Patent, find_patents
from kechuangtong.core.text import identity, normalize
from kechuangtong.imports.cells import MESSAGES, Cell, CellError, parse_line, says_nothing, text
from kechuangtong.imports.dates import find_date

PATENTS: Final = 50

_NO_RIGHT: Final = re.compile(
    r"(?:无|没有|暂无|未)?(?:已|正在|在|拟)?(?:申请|受理|审查|公开|公示|审)?(?:中|阶段)?(?:专利)?"
)
# The number of a certificate, which is no right's; that of a software copyright was read before.
_CERTIFICATE: Final = re.compile(
    r"证书(?:编号|号码?|序号)?\s*[:第]*\s*第?\s*\d{4,9}\s*号?", re.ASCII
)
_DAY: Final = re.compile(
    r"(?:19|20)\d\d(?:\s*[-./年]\s*\d{1,2}(?:\s*[-./月]\s*\d{1,2}\s*日?)?月?|年)"
    r"|(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)"
)


@dataclass(frozen=True, slots=True)
class Patents:
    """The numbers of a cell: those that are right, those that are not, and whether words alone.

    `unnumbered` is what a cell without any number says (发明专利 2 项), unless that is 无.
    """

    rights: list[Patent]
    errors: list[CellError]
    unnumbered: str | None = None


def parse_patents(value: Cell) -> Patents:
    """All numbers of patents and other rights in a cell, however they are separated."""
    typed = _patent_text(value)
    if says_nothing(typed):
        return Patents([], [])
    found, rest = find_patents(typed)
    rights: dict[str, Patent] = {}
    errors: list[CellError] = []
    for one in found:
        if isinstance(one.right, IdentifierError):
            errors.append(CellError(one.right.code, one.typed, one.right.message))
        else:
            rights.setdefault(one.right.number, one.right)
    errors += [
        CellError("patent_not_understood", run)
        for run in re.findall(r"[0-9A-Z][0-9A-Z./\-]*", _DAY.sub(" ", _CERTIFICATE.sub(" ", rest)))
        if _looks_like_a_number(run)
    ]
    if len(rights) > PATENTS:
        message = MESSAGES["too_many_patents"].format(limit=PATENTS)
        errors.append(CellError("too_many_patents", typed, message))
    words_alone = not found and not errors and not _NO_RIGHT.fullmatch(identity(typed))
    return Patents(list(rights.values()), errors, typed if words_alone else None)


def _patent_text(value: Cell) -> str:
    # A number typed without ZL becomes a number to Excel, which drops a check digit of 0.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return format(value, ".1f" if 1e11 <= value < 1e12 else ".0f") if _finite(value) else ""
    return text(value)


def _finite(value: float) -> bool:
    return math.isfinite(value)


def _looks_like_a_number(run: str) -> bool:
    digits = sum(one.isdigit() for one in run)
    return digits >= 7 or bool(re.fullmatch(r"[\d.\-]{5,}|(?:ZL|CN|PCT)[\dX./\-]*", run))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluation as a cell tells of it: by whom, when, with what result."""

    evaluator: str | None = None
    evaluated_on: date | None = None
    level: str | None = None


_EVALUATION_LEVEL: Final = re.compile(
    r"(?:达到|居|处于)?(?:国际|国内|世界|全国|省内|行业|同类|领域)[^\s,;，；。]{0,6}?(?:领先|先进|一流|首创|前列)(?:水平)?"
    r"|填补(?:国内|国际|行业)空白"
)
_EVALUATOR: Final = re.compile(
    r"(?:由|经|通过)?([^\s,;，；。:：、\d（）()]{2,40}?(?:厅|局|委员会|科委|学会|协会|研究院|研究所|中心|公司|大学|学院|"
    r"科学院|工程院|政府|部))(?=组织|主持|鉴定|评价|验收|评审|出具|$|[\s,;，；。:：、\d（）()])"
)

# As the export has one: 评价单位：某学会；评价日期：2025-05-06；评价结论：国内领先
_LABELLED: Final = re.compile(
    r"(?:评价单位[:：]\s*(?P<evaluator>.+?))?[;；]?\s*(?:评价日期[:：]\s*(?P<evaluated_on>\d[\d-]{9}))?"
    r"[;；]?\s*(?:评价结论[:：]\s*(?P<level>.+))?",
    re.ASCII,
)


def parse_evaluations(value: Cell, header: str = "") -> list[Evaluation]:
    """The evaluations in a cell, one a line or between semicolons.

    A column may hold one part alone (鉴定单位, 鉴定时间).
    """
    if not says_nothing(text(value)):
        if re.search("(?:时间|日期)$", header):
            return [Evaluation(evaluated_on=find_date(text(value)))]
        if re.search("(?:单位|机构|部门)$", header):
            return [Evaluation(evaluator=parse_line(value))]
    found = []
    rest = []
    for line in text(value).split("\n"):
        parts = _LABELLED.fullmatch(line.strip())
        if parts is not None and any(parts.groups()):
            day = parts["evaluated_on"]
            found.append(
                Evaluation(parts["evaluator"], find_date(day) if day else None, parts["level"])
            )
        else:
            rest.append(line)
    for piece in re.split(r"[\n;；]+", "\n".join(rest)):
        if says_nothing(piece) or re.fullmatch("未|未(?:鉴定|评价|评估)|否", identity(piece)):
            continue
        evaluator = _EVALUATOR.search(_DAY.sub(",", normalize(piece)))
        level = _EVALUATION_LEVEL.search(piece)
        one = Evaluation(
            evaluator=evaluator[1] if evaluator else None,
            evaluated_on=find_date(piece),
            level=level.group() if level else None,
        )
        # What is not taken apart is kept whole, as the result.
        found.append(one if one.evaluator or one.level else Evaluation(level=parse_line(piece)))
    return found
