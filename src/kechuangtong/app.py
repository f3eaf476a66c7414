"""The HTTP application: routers, errors, documentation, and the life of its resources."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import Depends, FastAPI
from fastapi_offline import FastAPIOffline

from kechuangtong import __version__
from kechuangtong.accounts import idempotency
from kechuangtong.accounts.router import router as accounts
from kechuangtong.achievements.router import router as achievements
from kechuangtong.attachments.router import router as attachments
from kechuangtong.core import errors, openapi
from kechuangtong.core.http import RequestContext, refuse_parameters
from kechuangtong.core.migrations import check
from kechuangtong.demands.router import router as demands
from kechuangtong.imports.router import router as imports
from kechuangtong.jobs.service import working
from kechuangtong.matching.router import router as matches
from kechuangtong.organizations.router import router as organizations
from kechuangtong.runtime import open_runtime
from kechuangtong.search.router import router as search
from kechuangtong.settings import Settings
from kechuangtong.statistics.router import router as statistics
from kechuangtong.status import router as status

_DESCRIPTION = """\
Kechuangtong (科创通) keeps two lists alive, the achievements of universities and institutes
(高校院所成果清单) and the technical demands of enterprises (企业技术需求清单), matches one against
the other, and says why a pair fits and what speaks against it.

Published records are public to read. To write, sign in with **Authorize**. Messages are Chinese or
English by `Accept-Language`. Every failure is `application/problem+json` (RFC 9457) with a stable
`code`. Money is in yuan (元), as decimal strings; instants are in UTC.
"""


def create_app(settings: Settings) -> FastAPI:
    """The application; its database and index are opened when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_runtime(settings) as runtime:
            await check(runtime.database)
            app.state.runtime = runtime
            # Where the index has one writer at a time, the process that serves does the work too.
            async with nullcontext() if runtime.engine.shared else working(runtime):
                yield

    app = FastAPIOffline(
        title="Kechuangtong 科创通",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=openapi.operation_id,
        static_url="/docs-assets",
        dependencies=[Depends(refuse_parameters)],
    )
    for router in (
        accounts,
        organizations,
        achievements,
        demands,
        search,
        matches,
        statistics,
        status,
    ):
        app.include_router(router, max_body_size=settings.max_body_size)
    # Beside the file there are a few short fields and the form's own lines.
    app.include_router(attachments, max_body_size=settings.max_attachment_size + 100_000)
    app.include_router(imports, max_body_size=settings.max_file_size + 100_000)
    app.add_middleware(RequestContext)
    errors.install(app)
    app.add_exception_handler(idempotency.Repeated, idempotency.repeat)
    openapi.install(app)
    return app
