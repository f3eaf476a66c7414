"""Saved searches (订阅检索) on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from kechuangtong.core.paging import PageQuery
from kechuangtong.core.schemas import Input, Line, Output
from kechuangtong.lists.schemas import required_in_create
from kechuangtong.sample import ids
from kechuangtong.search.schemas import SearchTerms


class SavedSearchCreate(Input):
    """A search to be kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "余热利用的新成果",
                "organization_id": ids.ENTERPRISE,
                "query": {"kind": "achievement", "q": "余热", "stage": ["pilot", "industrial"]},
                "mail": True,
            }
        }
    )

    name: Annotated[Line, Field(description="Its name (名称)")]
    organization_id: Annotated[
        uuid.UUID | None, Field(description="For whom; needed by who acts for several")
    ] = None
    query: Annotated[SearchTerms, Field(description="The parameters of GET /v1/search (检索条件)")]
    mail: Annotated[bool, Field(description="News by mail, too (邮件提醒)")] = True


class SavedSearchPatch(Input):
    """A change: only what is given is changed, a query as a whole."""

    model_config = ConfigDict(json_schema_extra={"example": {"mail": False}})

    name: Annotated[
        Line, Field(description="Its name (名称)", json_schema_extra=required_in_create)
    ] = ""
    query: Annotated[SearchTerms, Field(json_schema_extra=required_in_create)] = SearchTerms()
    mail: Annotated[bool, Field(json_schema_extra=required_in_create)] = True


class SavedSearchRead(Output):
    """A search that is kept; it tells of what is published after `seen_until`."""

    id: uuid.UUID
    organization_id: uuid.UUID
    name: str
    query: SearchTerms
    mail: bool
    seen_until: datetime
    created_at: datetime
    updated_at: datetime
    version: int


class SavedSearchQuery(PageQuery):
    """A filter of the list."""

    organization_id: Annotated[uuid.UUID | None, Field(description="Of one's own")] = None
