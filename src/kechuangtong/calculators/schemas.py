"""What the lists of calculators and of rules are on the way in and out."""

from typing import Annotated

from pydantic import BaseModel, Field

from kechuangtong.calculators.calculation import Day, RuleRead
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import ShortLine


class CalculatorRead(BaseModel):
    """A calculator and the rules of all times that it stands on."""

    name: str
    title: str
    purpose: str
    path: str = Field(description="Where a question is posted to")
    rules: list[RuleRead]


class PolicyQuery(PageQuery):
    """Which rules of the table."""

    id: Annotated[ShortLine | None, Field(description="The rule of an id (规则编号)")] = None
    on: Annotated[Day | None, Field(description="Those in force on a day (当日有效)")] = None
