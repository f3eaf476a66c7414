"""The trade's values that several domains share: stages, ways of cooperation, money.

Sources of the terms: 民法典 art. 843 (kinds of technology contract), 转化法 art. 16 (ways to
transfer); the lists of universities and cities use the stages as typed here.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class ListKind(StrEnum):
    """The two lists: 成果清单 and 需求清单."""

    ACHIEVEMENT = "achievement"
    DEMAND = "demand"

    @classmethod
    def _missing_(cls, value: object) -> "ListKind | None":
        """The plural is understood, too, as paths and the command line have it."""
        named = {f"{one.value}s": one for one in cls}
        return named.get(str(value))

    @property
    def indexed(self) -> "IndexKind":
        """The list as the search index calls it."""
        return IndexKind(self.value)


class IndexKind(StrEnum):
    """What the search index holds: the two lists, and instruments (仪器)."""

    ACHIEVEMENT = "achievement"
    DEMAND = "demand"
    INSTRUMENT = "instrument"


class ImportKind(StrEnum):
    """What a spreadsheet that is imported holds: one of the two lists, or instruments (仪器)."""

    ACHIEVEMENT = "achievement"
    DEMAND = "demand"
    INSTRUMENT = "instrument"

    @classmethod
    def _missing_(cls, value: object) -> "ImportKind | None":
        """The plural is understood, too, as paths and the command line have it."""
        named = {f"{one.value}s": one for one in cls}
        return named.get(str(value))


class OrganizationKind(StrEnum):
    """What an organization is (单位性质)."""

    UNIVERSITY = "university"  # 高校
    INSTITUTE = "institute"  # 科研院所
    LABORATORY = "laboratory"  # 实验室
    ENTERPRISE = "enterprise"  # 企业
    SERVICE_INSTITUTION = "service_institution"  # 科技服务机构
    GOVERNMENT = "government"  # 政府部门
    BANK = "bank"  # 银行
    FUND = "fund"  # 基金
    PARK = "park"  # 园区


class Stage(StrEnum):
    """How far a development is (成熟阶段), earliest first."""

    CONCEPT = "concept"  # 概念、原理
    LABORATORY = "laboratory"  # 实验室
    BENCH = "bench"  # 小试
    PILOT = "pilot"  # 中试
    INDUSTRIAL = "industrial"  # 产业化


class Cooperation(StrEnum):
    """Ways of cooperation (合作方式)."""

    TRANSFER = "transfer"  # 技术转让
    LICENSE = "license"  # 技术许可、专利许可
    JOINT_DEVELOPMENT = "joint_development"  # 合作开发
    COMMISSIONED_DEVELOPMENT = "commissioned_development"  # 委托开发
    EQUITY = "equity"  # 作价入股
    SERVICE = "service"  # 技术服务
    CONSULTING = "consulting"  # 技术咨询
    ANY = "any"  # 均可


class PriceKind(StrEnum):
    """What is said about an amount of money."""

    FIXED = "fixed"  # 120万
    RANGE = "range"  # 50-80万
    NEGOTIABLE = "negotiable"  # 面议
    UNKNOWN = "unknown"  # 待定, 自筹, nothing


@dataclass(frozen=True, slots=True)
class Price:
    """A price or a budget in yuan. A fixed one has low == high, the last two kinds neither."""

    kind: PriceKind
    low: Decimal | None = None
    high: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Trl:
    """A technology readiness level (技术成熟度): a level means nothing without its scale.

    Scales with their sources are in `policies`; `evidence` says what shows the level.
    """

    scale: str
    level: int
    evidence: str | None = None
