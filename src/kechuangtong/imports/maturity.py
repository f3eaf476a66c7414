"""How far a development is, as people type it: a stage, a level of readiness, or both."""

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, NamedTuple

from kechuangtong.core.text import identity
from kechuangtong.core.trade import Stage, Trl
from kechuangtong.imports.cells import Cell, CellError, chinese_number, chosen, says_nothing, text
from kechuangtong.policies import trl
from kechuangtong.policies.trl import Scale


class Maturity(NamedTuple):
    """How far a development is: a stage, a level, both or neither (not said)."""

    stage: Stage | None = None
    trl: Trl | None = None


# 样机, 样品 and 试生产 stand with 中试, and 初期 and 中期 where they do, in the registration form
# of achievements (科技成果登记表: 初期阶段、中期阶段、成熟应用阶段).
_STAGES: Final = {
    Stage.CONCEPT: """
        概念 概念验证 原理 原理验证 构想 设想 创意 理论 理论研究 基础研究 应用基础研究 方案
        concept idea proofofconcept basicresearch
    """,
    Stage.LABORATORY: """
        实验室 实验室研究 实验室样机 实验室样品 原理样机 初样 实验 试验 研发 研制 研究 研究开发
        开发 在研 技术研发 技术开发 研发设计 初期
        lab laboratory labscale research r&d development
    """,
    Stage.BENCH: "小试 小样 小规模试验 小型试验 bench benchscale smallscale",
    Stage.PILOT: """
        中试 中间试验 样机 样品 样机试制 工程样机 产品样机 正样 试制 试产 试生产 小批 小批量
        小批量生产 小批量试制 小批量试产 原型 原型机 工程化 示范 示范应用 应用示范 工程示范 示范工程
        中期 试点 试运行 试用 pilot pilotscale pilotplant prototype demonstration
    """,
    Stage.INDUSTRIAL: """
        产业化 可产业化 产业化应用 产业化生产 工业化 工业化生产 工业化应用 规模化 规模化生产
        规模化应用 规模生产 量产 批产 批量 批量生产 大批量生产 大规模生产 商业化 商品化 市场化 推广
        推广应用 应用推广 成熟应用 应用 实际应用 上市 产品上市 销售 商用 投产
        industrial industrialized industrialised commercial commercialized massproduction
        production marketed market
    """,
}
_STAGE_OF: Final = {word: stage for stage, words in _STAGES.items() for word in words.split()}
# Words that say a stage wherever they stand in a sentence, longer ones before their parts.
_STAGE_IN_SENTENCE: Final = re.compile(
    "概念验证|实验室样机|原理样机|实验室|小试|中试|工程样机|样机|小批量生产|小批量|试生产|产业化|工业化生产"
    "|规模化生产|批量生产|量产"
)
_NOT_YET: Final = re.compile(
    "(?:未|尚|待|拟|即将|准备|接近|可|能|具备|具有|推进|计划|预期|争取|寻求|非|没有|无).{0,4}$"
)
_BEFORE_STAGE: Final = re.compile(
    "^(?:目前|现|现已|有|已经?|正在|正|处于|处在|处|进入|进行|开展|完成|通过|达到|达|实现|技术|成果|项目|产品|"
    "成熟度|水平|可|具备|至少|不低于|≥|>=?|:|为|的|到)+"
)
_AFTER_STAGE: Final = re.compile(
    "(?:阶段|阶|级别?|完成|水平|验证|试验|测试|研究|中|后|及以上|或以上|以上|条件|能力|状态|程度|了|已|stage|phase"
    "|level|scale)+$"
)
_NO_MATURITY: Final = re.compile(
    "待定|未知|不详|未评估|未评价|不确定|不限|无要求|均可|不适用|其他|其它|tbd|unknown"
)
_STANDARD: Final = re.compile(r"GB\s*/?\s*T?\s*\d{5}(?:\.\d)?(?:\s*[-—–]\s*\d{4})?", re.IGNORECASE)
_ROMAN: Final = {one: place for place, one in enumerate("i ii iii iv v vi vii viii ix".split(), 1)}
_NUMBER: Final = (
    "[0-9]+(?:\\.[0-9]+)?|[一二三四五六七八九十]+|(?:viii|vii|vi|iv|ix|v|iii|ii|i)(?![a-z])"
)
_LEVEL: Final = re.compile(
    r"(?P<mark>trl|(?:技术)?(?:成熟度?|就绪度?)(?:等级|水平|级别)?|等级|level|第)?"
    r"(?:[^\w]|为|是|达到?|level|第){0,3}"
    rf"(?P<low>{_NUMBER})(?:级?[-~—–至到](?:trl)?(?P<high>{_NUMBER}))?(?P<unit>级|level)?"
)


@lru_cache(maxsize=1_000, typed=True)  # a list has the same few in all of its rows
def parse_maturity(value: Cell, scale: Scale) -> Maturity:
    """The stage and the level that a cell names (7级, TRL7, 7, 中试, 中试（TRL6）).

    小试 and 中试 say nothing of a level, a level nothing of a stage. Of two neighbouring levels
    (TRL6-7) the lower is claimed; of two stages the later where the text tells of a progress
    (已完成小试，正在中试), else the earlier. Raises CellError `maturity_not_understood`, also for a
    level that the scale does not have. `scale` is the one meant where the cell names none.
    """
    typed = chosen(text(value))
    wrong = CellError("maturity_not_understood", typed)
    if isinstance(value, bool | date) or len(typed) > 500:
        raise wrong
    if says_nothing(typed):
        return Maturity()
    folded = identity(typed)
    for other in trl.scales().values():
        for name in (other.id, identity(other.name.zh)):
            if name in folded:
                scale, folded = other, folded.replace(name, "").replace("()", "")
    folded = identity(_STANDARD.sub("", folded))
    folded = folded.rstrip(".。")
    folded = re.sub(r"^(?:不低于|不小于|至少|大于等于|≥|>=?|约)+|(?:及|或)?以上$|\+$", "", folded)
    if re.match("-[0-9]", folded):
        raise wrong
    levels: set[Decimal] = set()
    rest = folded
    for match in _LEVEL.finditer(folded):
        alone = match.group() == folded
        if not (match["mark"] or match["unit"] or alone):
            continue
        levels |= {_level(match[name]) for name in ("low", "high") if match[name]}
        rest = rest.replace(match.group(), ";")
    if levels:
        low, high = min(levels), max(levels)
        if not 1 <= low <= high <= scale.levels or low % 1 or high - low > 1:
            raise wrong
        return Maturity(_exact_stage(rest), Trl(scale.id, int(low)))
    if (stage := _exact_stage(folded) or _stage_in_sentence(folded)) is not None:
        return Maturity(stage)
    if _NO_MATURITY.fullmatch(folded):
        return Maturity()
    raise wrong


def _level(typed: str) -> Decimal:
    if typed in _ROMAN:
        return Decimal(_ROMAN[typed])
    return chinese_number(typed) or Decimal(0)


def _exact_stage(folded: str) -> Stage | None:
    """The stage of a text that says nothing else, whose parts may name several stages."""
    parts = [
        part
        for part in re.split(r"[,;、。/()+~→\-—–:]+|至|到|和|及(?!以上)|与|或(?!以上)", folded)
        if part
    ]
    if (whole := _STAGE_OF.get(re.sub("-", "", folded))) is not None:
        return whole  # pilot-scale
    stages = []
    for part in parts:
        stage = _STAGE_OF.get(part) or _STAGE_OF.get(_AFTER_STAGE.sub("", part))
        if stage is None:
            core = _BEFORE_STAGE.sub("", part)
            stage = _STAGE_OF.get(core) or _STAGE_OF.get(_AFTER_STAGE.sub("", core))
        if stage is None:
            return None
        stages.append(stage)
    return _one_of(stages, folded)


def _stage_in_sentence(folded: str) -> Stage | None:
    stages = [
        _STAGE_OF[match.group()]
        for match in _STAGE_IN_SENTENCE.finditer(folded)
        if not _NOT_YET.search(folded, 0, match.start())
    ]
    return _one_of(stages, folded)


def _one_of(stages: list[Stage], folded: str) -> Stage | None:
    order = list(Stage)
    choose = max if re.search("已|完成|通过|正在|进入", folded) else min
    return choose(stages, key=order.index, default=None)
