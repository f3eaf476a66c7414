"""The command line: results on standard output, progress and warnings on standard error.

Exit status 0 when the work was done (refused rows included), 2 for a wrong call, 1 otherwise,
with one clear line.
"""

import asyncio
import hashlib
import json
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
import uvicorn
from rich.console import Console
from rich.progress import Progress
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong import __version__
from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.service import create_user
from kechuangtong.app import create_app
from kechuangtong.core import logs, migrations
from kechuangtong.core.errors import AppError
from kechuangtong.core.identifiers import IdentifierError, check_uscc
from kechuangtong.core.language import Text
from kechuangtong.core.trade import ListKind, OrganizationKind
from kechuangtong.imports import service as imports
from kechuangtong.imports.reading import FileRefused
from kechuangtong.imports.schemas import Report
from kechuangtong.imports.workbook import write_report
from kechuangtong.models import Organization
from kechuangtong.organizations.service import create_organization, find_organization
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.search.indexing import IndexBehind, catch_up, rebuild
from kechuangtong.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
users = typer.Typer(no_args_is_help=True, help="Users (用户).")
organizations = typer.Typer(no_args_is_help=True, help="Organizations (单位).")
app.add_typer(users, name="user")
app.add_typer(organizations, name="organization")

_errors = Console(stderr=True)


class ImportKind(StrEnum):
    """The list that an import fills, as it is named on the command line."""

    ACHIEVEMENTS = "achievements"
    DEMANDS = "demands"

    @property
    def list_kind(self) -> ListKind:
        return ListKind(self.value.removesuffix("s"))


class Failed(Exception):  # noqa: N818
    """What ends a command with status 1 and this one line."""


def main() -> None:
    """Run a command; an expected failure is one line on standard error."""
    logs.configure()
    try:
        app()
    except (AppError, FileRefused) as error:
        _fail(str(error.message))
    except (Failed, migrations.SchemaStale, IndexBehind, RuntimeError) as error:
        _fail(str(error))


def _fail(line: str) -> None:
    print(f"kechuangtong: {line}", file=sys.stderr)
    sys.exit(1)


def _run(work: Callable[[Runtime], Coroutine[Any, Any, None]]) -> None:
    async def with_runtime() -> None:
        settings = Settings()
        async with open_runtime(settings) as runtime:
            if settings.uses_sqlite and await migrations.current(runtime.database) is None:
                await migrations.migrate(runtime.database)
            await migrations.check(runtime.database)
            await work(runtime)

    asyncio.run(with_runtime())


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on a terminal, nothing in a pipe."""
    with Progress(console=_errors, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema (数据库迁移)."""

    async def work() -> None:
        async with open_runtime(Settings()) as runtime:
            await migrations.migrate(runtime.database)
            print(await migrations.current(runtime.database))

    asyncio.run(work())


@app.command()
def openapi(
    out: Annotated[Path | None, typer.Option(help="File; standard output without it")] = None,
) -> None:
    """Write the OpenAPI document."""
    document = json.dumps(create_app(Settings()).openapi(), ensure_ascii=False, indent=2) + "\n"
    if out is None:
        sys.stdout.write(document)
    else:
        out.write_text(document, encoding="utf-8")


@users.command("create")
def create_user_command(
    name: str,
    password: Annotated[
        str,
        typer.Option(
            prompt=True, hide_input=True, confirmation_prompt=True, envvar="KCT_NEW_PASSWORD"
        ),
    ],
    administrator: Annotated[bool, typer.Option(help="Acts for the whole platform")] = False,
    organization: Annotated[
        str | None, typer.Option(help="Code, id or name of the organization it acts for")
    ] = None,
) -> None:
    """Create a user (新建用户)."""

    async def work(runtime: Runtime) -> None:
        async with runtime.database.write() as session:
            owner = await _organization(session, organization)
            user = await create_user(
                session,
                name=name,
                password=password,
                administrator=administrator,
                organization_id=owner.id if owner else None,
            )
        print(user.id)

    _run(work)


@organizations.command("create")
def create_organization_command(
    name: str,
    kind: Annotated[OrganizationKind, typer.Option(help="单位性质")],
    code: Annotated[str | None, typer.Option(help="统一社会信用代码")] = None,
    place: Annotated[str | None, typer.Option(help="所在地")] = None,
) -> None:
    """Create an organization (新建单位)."""

    async def work(runtime: Runtime) -> None:
        try:
            checked = check_uscc(code) if code else None
        except IdentifierError as error:
            raise Failed(str(error.message)) from error
        async with runtime.database.write() as session:
            organization = await create_organization(
                session, OPERATOR, name=name, kind=kind, code=checked, place=place
            )
        print(organization.id)

    _run(work)


async def _organization(session: AsyncSession, text: str | None) -> Organization | None:
    if text is None:
        return None
    organization = await find_organization(session, text)
    if organization is None:
        raise imports.OrganizationNotFound(name=text)
    return organization


@app.command("import")
def import_command(
    kind: ImportKind,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    organization: Annotated[
        str | None, typer.Option(help="Code, id or name of the organization (单位)")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Where the report goes: FILE.json or FILE.xlsx")
    ] = None,
) -> None:
    """Import a spreadsheet as people typed it (导入清单)."""
    if report is not None and report.suffix.lower() not in (".json", ".xlsx"):
        raise typer.BadParameter("a report is a .json or .xlsx file", param_hint="--report")

    async def work(runtime: Runtime) -> None:
        with _progress(file.name) as progress:
            if dry_run:
                async with runtime.database.read() as session:
                    owner = await _organization(session, organization)
                result = await imports.preview_import(
                    runtime.database,
                    runtime.settings,
                    OPERATOR,
                    file,
                    kind=kind.list_kind,
                    organization=owner,
                    progress=progress,
                )
            else:
                result = await _import(runtime, kind.list_kind, file, organization, progress)
        if report is not None:
            await write_report(report, result, file, runtime.settings)
        _print_report(result)
        if not dry_run:
            await catch_up(runtime)

    _run(work)
