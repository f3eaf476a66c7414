"""Service institutions (科技服务机构) on the way in and out."""

import hashlib
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from kechuangtong.brokers.schemas import Lines
from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Line, Output, Passage
from kechuangtong.lists.schemas import Day, OrganizationBrief
from kechuangtong.models.broker import MembershipState, ServiceKind, Standing


def _once(values: list[ServiceKind]) -> list[ServiceKind]:
    return list(dict.fromkeys(values))


class ProfileWrite(Input):
    """What an institution offers; it replaces what was said before."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "services": ["technology_transfer", "brokerage", "evaluation"],
                "description": "面向高校院所和中小企业的技术转移全流程服务。",
                "fields": ["新材料", "装备制造"],
                "places": ["四川省", "重庆市"],
            }
        }
    )

    services: Annotated[
        list[ServiceKind],
        Field(min_length=1, max_length=14, description="Services offered (服务类别)"),
        AfterValidator(_once),
    ]
    description: Annotated[Passage | None, Field(description="Description (机构简介)")] = None
    fields: Annotated[Lines, Field(description="Fields (服务领域)")] = []
    places: Annotated[Lines, Field(description="Service area (服务地区)")] = []


class AllianceMembership(Input):
    """An institution's place in the alliance (联盟)."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"standing": "council", "since": "2025-06-01", "state": "active"}
        }
    )

    standing: Annotated[Standing, Field(description="Standing (会员级别)")]
    since: Annotated[Day, Field(description="Member since (入会日期)")]
    state: Annotated[MembershipState, Field(description="Whether it holds (状态)")] = (
        MembershipState.ACTIVE
    )


class AllianceMembershipRead(Output):
    """An institution's place in the alliance."""

    standing: Standing
    since: date
    state: MembershipState


class InstitutionRead(Output):
    """An organization that offers services."""

    organization: OrganizationBrief
    place: str | None
    services: list[ServiceKind]
    description: str | None
    fields: list[str]
    places: list[str]
    membership: Annotated[
        AllianceMembershipRead | None, Field(description="Null where it is no member (联盟成员)")
    ]
    brokers: Annotated[int, Field(description="Registered brokers that it employs (技术经纪人数)")]
    updated_at: datetime
    version: int

    @property
    def tag(self) -> str:
        """Of what is shown: its brokers and its name change without it."""
        shown = hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        return f"{self.version}-{shown[:16]}"


class InstitutionQuery(PageQuery):
    """Filters of the directory; several of them must all hold."""

    q: Annotated[
        Line | None, Field(description="Words of name, fields and description (检索词)")
    ] = None
    service: ServiceKind | None = None
    place: Annotated[Line | None, Field(description="A part of where it is or serves")] = None
    standing: Annotated[
        Standing | None, Field(description="Of those whose membership holds (会员级别)")
    ] = None
