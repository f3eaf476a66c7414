"""The HTTP application: routers, errors, documentation, and the life of its resources."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from http import HTTPStatus

from fastapi import Depends, FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.middleware.sessions import SessionMiddleware

from kechuangtong import __version__
from kechuangtong.accounts import idempotency
from kechuangtong.accounts.keys.router import router as keys
from kechuangtong.accounts.limits import UNLIMITED
from kechuangtong.accounts.oidc.router import router as oidc
from kechuangtong.accounts.router import router as accounts
from kechuangtong.accounts.users_router import router as users
from kechuangtong.achievements.router import router as achievements
from kechuangtong.attachments.router import router as attachments
from kechuangtong.bookings.router import router as bookings
from kechuangtong.brokers.institutions_router import router as service_institutions
from kechuangtong.brokers.mandates_router import router as mandates
from kechuangtong.brokers.router import router as brokers
from kechuangtong.calendars.router import router as calendar_feeds
from kechuangtong.changes.router import router as changes
from kechuangtong.contracts.payments_router import router as payments
from kechuangtong.contracts.router import router as contracts
from kechuangtong.core import errors, openapi
from kechuangtong.core.http import SESSION, InShape, RequestContext, refuse_parameters
from kechuangtong.core.migrations import check
from kechuangtong.deals.brokers_router import router as deal_brokers
from kechuangtong.deals.documents_router import router as deal_documents
from kechuangtong.deals.router import router as deals
from kechuangtong.demands.router import router as demands
from kechuangtong.dump.router import router as dump
from kechuangtong.editions.router import router as editions
from kechuangtong.events.refusals import refuse
from kechuangtong.events.router import router as audit
from kechuangtong.imports.downloads import router as downloads
from kechuangtong.imports.router import router as imports
from kechuangtong.inbox.router import router as inbox
from kechuangtong.instruments.photographs_router import router as photographs
from kechuangtong.instruments.router import router as instruments
from kechuangtong.instruments.terms_router import router as terms
from kechuangtong.interests.router import router as interests
from kechuangtong.jobs.service import working
from kechuangtong.matching.instruments.router import router as instrument_matches
from kechuangtong.matching.router import router as matches
from kechuangtong.matching.runs.router import router as match_runs
from kechuangtong.national.router import router as national
from kechuangtong.organizations.invitations.router import router as invitations
from kechuangtong.organizations.members.router import router as members
from kechuangtong.organizations.router import router as organizations
from kechuangtong.ownership.router import router as ownership
from kechuangtong.pages.deals import file_router as deal_document_pages
from kechuangtong.pages.photographs import router as photograph_pages
from kechuangtong.pages.rendering import ASSETS, no_such_path
from kechuangtong.pages.router import router as pages
from kechuangtong.pages.uploads import router as uploads
from kechuangtong.registrations.router import router as registrations
from kechuangtong.releases.router import router as releases
from kechuangtong.reviews.router import router as reviews
from kechuangtong.runtime import open_runtime
from kechuangtong.sales.router import router as sales
from kechuangtong.search.router import router as search
from kechuangtong.searches.router import router as saved_searches
from kechuangtong.settings import Settings
from kechuangtong.statistics.deals.router import router as deal_statistics
from kechuangtong.statistics.router import router as statistics
from kechuangtong.status import router as status

_DESCRIPTION = """\
Kechuangtong (科创通) keeps two lists alive, the achievements of universities and institutes
(高校院所成果清单) and the technical demands of enterprises (企业技术需求清单), matches one against
the other, and says why a pair fits and what speaks against it.

Published records are public to read. To write, sign in with **Authorize**; programs send an API key
(`X-API-Key`), which does what its person may as far as its scopes go. Messages are Chinese or
English by `Accept-Language`. Every failure is `application/problem+json` (RFC 9457) with a stable
`code`. Money is in yuan (元), as decimal strings; instants are in UTC.
"""

# By pages of other sites (CORS); they sign in by a token, never by cookies.
_MAY_BE_SENT = ["Authorization", "If-Match", "If-None-Match", "Idempotency-Key", "X-Request-ID"]
_MAY_BE_READ = ["ETag", "Link", "Location", "Retry-After", "X-Request-ID"]


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
        oidc,
        keys,
        users,
        organizations,
        members,
        invitations,
        registrations,
        reviews,
        downloads,  # before the lists: export.xlsx is no record's id
        achievements,
        ownership,
        demands,
        search,
        saved_searches,
        matches,
        instrument_matches,
        match_runs,
        interests,
        releases,  # before the deals, as downloads
        deals,
        contracts,
        payments,
        national,  # before the instruments, as downloads
        instruments,
        terms,
        bookings,
        calendar_feeds,
        sales,
        brokers,
        deal_brokers,
        mandates,
        service_institutions,
        inbox,
        editions,
        changes,
        dump,
        statistics,
        deal_statistics,
        audit,
        status,
        pages,
    ):
        app.include_router(router, max_body_size=settings.max_body_size)
    # Beside the file there are a few short fields and the form's own lines.
    for router in (
        attachments,
        photographs,
        photograph_pages,
        deal_documents,
        deal_document_pages,
    ):
        app.include_router(router, max_body_size=settings.max_attachment_size + 100_000)
    for router in (imports, uploads):
        app.include_router(router, max_body_size=settings.max_file_size + 100_000)
    app.mount("/assets", StaticFiles(directory=ASSETS))
    app.add_middleware(
        SessionMiddleware,
        secret_key=settings.signing_key,
        session_cookie=SESSION,
        max_age=settings.refresh_days * 24 * 60 * 60,
        https_only=settings.public_url.startswith("https://"),
    )
    app.add_middleware(InShape)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=_MAY_BE_SENT,
            expose_headers=_MAY_BE_READ,
        )
    app.add_middleware(RequestContext, production=settings.environment == "production")
    errors.install(app)
    app.add_exception_handler(HTTPStatus.NOT_FOUND, no_such_path)
    app.add_exception_handler(errors.Forbidden, refuse)
    app.add_exception_handler(idempotency.Repeated, idempotency.repeat)
    openapi.install(app, unlimited=UNLIMITED)
    return app
