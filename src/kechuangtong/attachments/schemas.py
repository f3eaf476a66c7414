"""What an attachment (附件) is on the way in and out."""

import uuid
from datetime import datetime
from typing import Annotated

from fastapi import UploadFile
from pydantic import ConfigDict, Field

from kechuangtong.core.schemas import Input, Output
from kechuangtong.core.trade import ListKind
from kechuangtong.models.attachment import Access
from kechuangtong.sample import ids

_ACCESS = (
    "Who may have it: everyone (公开), who is signed in (登录可见), organizations let in (获准单位)"
)


class AttachmentForm(Input):
    """A file, and who may have it."""

    file: Annotated[
        UploadFile, Field(description="pdf, png, jpg, webp, docx, xlsx, pptx, txt, csv or zip")
    ]
    access: Annotated[Access, Field(description=_ACCESS)] = Access.LET_IN


class AttachmentPatch(Input):
    """A change: only the fields that are given are changed."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"access": "let_in", "organizations": [ids.ENTERPRISE]}}
    )

    access: Annotated[Access, Field(description=_ACCESS)] = Access.LET_IN
    organizations: Annotated[
        list[uuid.UUID],
        Field(max_length=100, description="All organizations that are let in (获准单位)"),
    ] = []


class AttachmentRead(Output):
    """An attachment as it is shown; whose it is, its record says."""

    id: uuid.UUID
    subject_kind: ListKind
    subject_id: uuid.UUID
    name: str
    media_type: str
    size: int = Field(description="In bytes")
    sha256: str
    access: Access
    organizations: list[uuid.UUID] | None = Field(
        description="Organizations let in; null for all but the organization's own people"
    )
    created_at: datetime
    updated_at: datetime
    version: int
