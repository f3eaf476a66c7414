"""Users for those who keep the platform (用户管理)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from kechuangtong.accounts import personal, users
from kechuangtong.accounts.actor import Actor
from kechuangtong.accounts.deps import IdempotentSession, ReadSession, WriteSession, requires
from kechuangtong.accounts.idempotency import IdempotentRoute
from kechuangtong.accounts.permissions import Permission
from kechuangtong.accounts.schemas import UserPatch, UserQuery, UserRead
from kechuangtong.core.http import ExpectedVersions, IfNoneMatch, etag, not_modified
from kechuangtong.core.openapi import answers
from kechuangtong.core.paging import Page, link_next
from kechuangtong.lists.http import UserId

router = APIRouter(prefix="/v1/users", tags=["users"], route_class=IdempotentRoute)

Writer = Annotated[Actor, Depends(requires(Permission.USERS_WRITE))]


@router.get(
    "",
    summary="List users (用户列表)",
    responses=answers(401, 403, 422),
    dependencies=[Depends(requires(Permission.USERS_READ))],
)
async def list_users(
    session: ReadSession,
    request: Request,
    response: Response,
    query: Annotated[UserQuery, Query()],
) -> Page[UserRead]:
    """Users, newest first."""
    page = await users.list_users(session, query)
    link_next(request, response, page.next_cursor)
    return page


@router.get(
    "/{user_id}",
    summary="Read a user (查看用户)",
    responses={304: {"description": "Not modified"}, **answers(401, 403, 404, 422)},
    response_model=UserRead,
    dependencies=[Depends(requires(Permission.USERS_READ))],
)
async def get_user(
    user_id: UserId, session: ReadSession, response: Response, if_none_match: IfNoneMatch = None
) -> UserRead | Response:
    """One user; its ETag is what a change sends as If-Match."""
    user = await users.get_user(session, user_id)
    response.headers["ETag"] = etag(user)
    return not_modified(user, if_none_match) or UserRead.model_validate(user)


@router.patch(
    "/{user_id}",
    summary="Change a user (修改用户)",
    responses=answers(400, 401, 403, 404, 409, 412, 413, 422, 428),
)
async def change_user(
    user_id: UserId,
    session: WriteSession,
    actor: Writer,
    response: Response,
    body: UserPatch,
    expected_versions: ExpectedVersions,
) -> UserRead:
    """Change the fields that are given. One cannot take the administrator's role from oneself."""
    user = await users.change_user(
        session, actor, user_id, values=body, expected_versions=expected_versions
    )
    response.headers["ETag"] = etag(user)
    return UserRead.model_validate(user)


@router.post(
    "/{user_id}/lock",
    summary="Lock a user (锁定用户)",
    responses=answers(401, 403, 404, 409, 422),
)
async def lock_user(
    user_id: UserId, session: IdempotentSession, actor: Writer, response: Response
) -> UserRead:
    """The user may do nothing any more, with whatever token or key, at once."""
    user = await users.lock_user(session, actor, user_id)
    response.headers["ETag"] = etag(user)
    return UserRead.model_validate(user)


@router.post(
    "/{user_id}/unlock",
    summary="Unlock a user (解锁用户)",
    responses=answers(401, 403, 404, 409, 422),
)
async def unlock_user(
    user_id: UserId, session: IdempotentSession, actor: Writer, response: Response
) -> UserRead:
    """Let the user in again, also where wrong passwords locked the name."""
    user = await users.get_user(session, user_id, to_change=True)
    await users.unlock_user(session, actor, user)
    response.headers["ETag"] = etag(user)
    return UserRead.model_validate(user)


@router.post(
    "/{user_id}/erase",
    status_code=204,
    summary="Erase a user (注销用户)",
    responses=answers(401, 403, 404, 409, 422),
)
async def erase_user(user_id: UserId, session: IdempotentSession, actor: Writer) -> None:
    """Forget a person who left: what it did stays, as a number's. It cannot be undone."""
    await personal.erase_another(session, actor, user_id)
