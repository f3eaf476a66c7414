"""Completeness: worked examples, and that saying more never lowers the score."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kechuangtong.core.trade import Price, PriceKind, Stage, Trl
from kechuangtong.lists.completeness import ACHIEVEMENT, DEMAND, Complaint, completeness
from kechuangtong.models import Achievement, Demand

LONG = (
    "以 60 ℃ 余热再生的复合吸附剂转轮除湿，现有冷冻除湿机组能耗高；中试机组在挂面烘房连续运行 1800 小时，"
    "除湿能耗较冷冻除湿降低 35%，一台每年省电 12 万度，两年收回投资，可提供成套图纸与调试服务。"
)
SAID: dict[type[Any], dict[str, Any]] = {
    Achievement: {
        "description": LONG,
        "application": "挂面、木材、茶叶等烘干车间",
        "field": "绿色低碳",
        "keywords": ["余热利用", "吸附除湿", "转轮"],
        "stage": Stage.PILOT,
        "trl": Trl("gb-t-22900-2022", 6, "第三方检测报告"),
        "intellectual_property": [{"number": "ZL201710601862.3"}],
        "cooperation": ["license"],
        "price": Price(PriceKind.NEGOTIABLE),
    },
    Demand: {
        "description": LONG,
        "field": "绿色低碳",
        "keywords": ["余热利用", "吸附除湿", "转轮"],
        "required_stage": Stage.PILOT,
        "required_trl": Trl("gb-t-22900-2022", 6),
        "cooperation": ["license"],
        "budget": Price(PriceKind.NEGOTIABLE),
        "valid_until": "2030-01-01",
    },
}


def record(model: type[Any], **values: Any) -> Any:
    amount = "price" if model is Achievement else "budget"
    lists = {"keywords": [], "cooperation": []}
    if model is Achievement:
        lists |= {"intellectual_property": [], "evaluations": []}
    return model(**{"title": "题", amount: Price(PriceKind.UNKNOWN), **lists, **values})


def missing(model: type[Any], **values: Any) -> tuple[int, set[str]]:
    found = completeness(record(model, **values))
    assert found.score == 100 - sum(one.points for one in found.missing)
    return found.score, {one.code for one in found.missing}


def test_the_points_of_a_list_are_a_hundred_over_the_four_complaints() -> None:
    for rules in (ACHIEVEMENT, DEMAND):
        assert sum(rule.points for rule in rules) == 100
        assert {rule.complaint for rule in rules} == set(Complaint)
        assert len({rule.code for rule in rules}) == len(rules)
        assert all(rule.text.zh and rule.text.en for rule in rules)


def test_worked_examples() -> None:
    for model in (Achievement, Demand):
        assert missing(model) == (
            0,
            {one.code for one in (ACHIEVEMENT if model is Achievement else DEMAND)},
        )
        assert missing(model, **SAID[model]) == (100, set())
    # Each field left out is missed by its own rules, and by none else.
    for model, name, codes in (
        (Achievement, "stage", {"stage_missing"}),
        (Achievement, "trl", {"trl_missing", "evidence_missing"}),
        (Achievement, "application", {"application_missing"}),
        (Achievement, "intellectual_property", {"rights_missing"}),
        (Achievement, "price", {"price_missing"}),
        (Achievement, "cooperation", {"cooperation_missing"}),
        (Achievement, "field", {"field_missing"}),
        (Achievement, "keywords", {"keywords_few"}),
        (
            Achievement,
            "description",
            {"description_short", "figures_missing", "comparison_missing"},
        ),
        (Demand, "required_stage", {"required_stage_missing"}),
        (Demand, "required_trl", {"required_trl_missing"}),
        (Demand, "budget", {"budget_missing"}),
        (Demand, "valid_until", {"deadline_missing"}),
        (Demand, "cooperation", {"cooperation_missing"}),
        (Demand, "description", {"description_short", "figures_missing", "present_missing"}),
    ):
        values = {one: value for one, value in SAID[model].items() if one != name}
        assert missing(model, **values)[1] == codes, name
    # An evaluation shows a level as well as evidence does; words alone are no figures.
    said = {**SAID[Achievement], "trl": Trl("gb-t-22900-2022", 6)}
    assert missing(Achievement, **said) == (94, {"evidence_missing"})
    assert missing(Achievement, **said, evaluations=[{"level": "国内领先"}]) == (100, set())
    vague = {**SAID[Achievement], "description": "本成果先进可靠，应用前景广阔。" * 10}
    assert missing(Achievement, **vague) == (84, {"figures_missing", "comparison_missing"})
    assert missing(Achievement, **{**vague, "application": "较舊工藝降低三成"})[0] == 90
    assert missing(Demand, **{**SAID[Demand], "keywords": ["一", "二"]}) == (94, {"keywords_few"})


@given(st.data(), st.sampled_from([Achievement, Demand]), st.text(max_size=120))
def test_saying_more_never_lowers_the_score(data: Any, model: type[Any], text: str) -> None:
    said = SAID[model]
    less = data.draw(st.sets(st.sampled_from(sorted(said))))
    more = less | data.draw(st.sets(st.sampled_from(sorted(said))))
    values = {name: said[name] for name in less} | {"description": text}
    score, _ = missing(model, **values)
    values = {name: said[name] for name in more} | {"description": text}
    fuller, _ = missing(model, **values)
    longer, _ = missing(model, **{**values, "description": text + LONG})
    assert 0 <= score <= fuller <= longer <= 100
