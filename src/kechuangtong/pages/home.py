"""Where one begins (首页)."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import ReadSession, requires
from kechuangtong.accounts.permissions import Permission
from kechuangtong.inbox import service as inbox
from kechuangtong.inbox.schemas import InboxQuery
from kechuangtong.pages.rendering import page, page_router
from kechuangtong.statistics.service import totals

router = page_router()

_WAITING = 5


@router.get("/")
async def show_home(
    request: Request,
    session: ReadSession,
    actor: Annotated[Actor, Depends(requires(Permission.SERVICE_READ))],
) -> HTMLResponse:
    """What one can do here, how much there is, and what waits for one's organizations."""
    waiting = []
    if actor.organization_ids and actor.holds(Permission.INBOX_READ):
        found = await inbox.page(session, actor, InboxQuery(waiting=True, limit=_WAITING))
        waiting = found.items
    return page(request, "home.html", totals=await totals(session), waiting=waiting)
