"""The command line: results on standard output, progress and warnings on standard error.

Exit status 0 when the work was done (refused rows included), 2 for a wrong call, 1 otherwise,
with one clear line.
"""

import asyncio
import hashlib
import json
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails
from rich.console import Console
from rich.progress import Progress as Bar
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from kechuangtong.accounts.actor import OPERATOR
from kechuangtong.accounts.passwords import new_reset
from kechuangtong.accounts.permissions import PlatformRole, Role
from kechuangtong.accounts.service import create_user
from kechuangtong.accounts.users import find_user, unlock_user
from kechuangtong.attachments.service import orphans
from kechuangtong.core import logs, migrations
from kechuangtong.core.clock import today
from kechuangtong.core.errors import AppError, validation_text
from kechuangtong.core.trade import ImportKind, OrganizationKind
from kechuangtong.dump.service import dump, load
from kechuangtong.imports import service as imports
from kechuangtong.imports.reading import FileRefused, check_size
from kechuangtong.imports.schemas import Report
from kechuangtong.imports.workbook import write_report
from kechuangtong.jobs.service import working
from kechuangtong.mail import service as mail
from kechuangtong.matching import feedback
from kechuangtong.matching.evaluation import evaluate, write_run
from kechuangtong.matching.graded import read_folder, scratch
from kechuangtong.matching.router import matcher
from kechuangtong.matching.runs.whole import match_all, write_matches
from kechuangtong.matching.schemas import MatchedPair, Matches, demander
from kechuangtong.matching.training import Graded, background_table, train
from kechuangtong.models import Organization
from kechuangtong.organizations.schemas import OrganizationCreate
from kechuangtong.organizations.service import create_organization, find_organization
from kechuangtong.production import check_for_production
from kechuangtong.runtime import Runtime, open_runtime
from kechuangtong.sample.service import EDITOR, PASSWORD, USER, load_sample, store_sample
from kechuangtong.search.indexing import catch_up, prepare, rebuild, repair
from kechuangtong.search.meilisearch.server import make_keys
from kechuangtong.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
users = typer.Typer(no_args_is_help=True, help="Users (用户).")
organizations = typer.Typer(no_args_is_help=True, help="Organizations (单位).")
mails = typer.Typer(no_args_is_help=True, help="Mail (邮件).")
app.add_typer(users, name="user")
app.add_typer(mails, name="mail")
app.add_typer(organizations, name="organization")

_errors = Console(stderr=True)

DEMO_PAIRS = 12

# A query far over its limit is to be told so by the API, not cut off by the server before it
# (httptools ends at 64 kB).
_MAX_HEAD = 1_000_000
# How long a stopping server waits for answers that have begun, such as streams of events.
_STOPPING_SECONDS = 5

Progress = Callable[[int, int], None]


class Importable(StrEnum):
    """What an import fills, as it is named on the command line."""

    ACHIEVEMENTS = "achievements"
    DEMANDS = "demands"
    INSTRUMENTS = "instruments"

    @property
    def kind(self) -> ImportKind:
        return ImportKind(self.value)


class Engine(StrEnum):
    """The indexes that there are."""

    EMBEDDED = "embedded"
    MEILISEARCH = "meilisearch"


class Failed(Exception):
    """What ends a command with status 1 and this one line."""


def main() -> None:
    """Run a command; an expected failure is one line on standard error."""
    logs.configure()
    try:
        app()
    except (AppError, FileRefused) as error:
        _fail(str(error.message))
    except ValidationError as error:
        _fail("; ".join(f"{_name(error, one)}: {validation_text(one)}" for one in error.errors()))
    except (Failed, RuntimeError, OSError) as error:
        _fail(str(error))
    except ArgumentError as error:
        _fail(f"KCT_DATABASE_URL: {error}")
    except DBAPIError as error:
        _fail(f"the database: {error.orig}")


def _name(error: ValidationError, one: ErrorDetails) -> str:
    """What is wrong, as it is named where it was given."""
    field = ".".join(map(str, one["loc"]))
    return f"KCT_{field.upper()}" if error.title == Settings.__name__ else field


def _fail(message: str) -> None:
    print(f"kechuangtong: {' '.join(message.split())}", file=sys.stderr)
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
def _progress(label: str) -> Iterator[Progress]:
    """A progress bar on a terminal, nothing in a pipe."""
    with Bar(console=_errors, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema, and a Meilisearch server to its indexes and
    keys (数据库迁移)."""
    settings = Settings()
    if settings.meilisearch_master_key is not None:
        settings = settings.model_copy(update={"meilisearch_key": _make_keys(settings)})

    async def work() -> None:
        async with open_runtime(settings) as runtime:
            await migrations.migrate(runtime.database)
            print(f"database schema: {await migrations.current(runtime.database)}")
            await prepare(runtime)
            print("search index: ready")

    asyncio.run(work())


def _make_keys(settings: Settings) -> SecretStr:
    """Make a Meilisearch server's two keys with its master key, and say how to use them."""
    assert settings.meilisearch_master_key is not None
    if not settings.meilisearch_urls:
        raise Failed("KCT_MEILISEARCH_MASTER_KEY needs KCT_MEILISEARCH_URL")
    for url in settings.meilisearch_urls:  # the same on all
        keys = make_keys(url, settings.meilisearch_master_key)
    print(f"KCT_MEILISEARCH_KEY of `serve`: {keys['search']}")
    print(f"KCT_MEILISEARCH_KEY of `worker`, `reindex`, `check`, `evaluate`: {keys['write']}")
    return SecretStr(keys["write"])


@app.command()
def openapi(
    out: Annotated[Path | None, typer.Option(help="File; standard output without it")] = None,
) -> None:
    """Write the OpenAPI document."""
    from kechuangtong.app import create_app

    unused = Settings(secret_key=SecretStr(secrets.token_hex()))  # else one would be made and kept
    # A value a line, so that changes can be read; indented it is a third larger.
    document = json.dumps(create_app(unused).openapi(), ensure_ascii=False, indent=0) + "\n"
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
    platform_role: Annotated[
        PlatformRole | None, typer.Option(help="A role for the whole platform (平台角色)")
    ] = None,
    district: Annotated[
        str | None, typer.Option(help="A part of the place that a reviewer decides for (辖区)")
    ] = None,
    email: Annotated[str | None, typer.Option(help="Where mail goes (邮箱)")] = None,
    organization: Annotated[
        str | None, typer.Option(help="Code, id or name of the organization it acts for")
    ] = None,
    role: Annotated[
        Role, typer.Option(help="The role in the organization (单位角色)")
    ] = Role.MANAGER,
) -> None:
    """Create a user (新建用户)."""

    async def work(runtime: Runtime) -> None:
        async with runtime.database.write() as session:
            owner = await _organization(session, organization)
            user = await create_user(
                session,
                name=name,
                password=password,
                email=email,
                platform_role=PlatformRole.ADMINISTRATOR if administrator else platform_role,
                district=district,
                organization_id=owner.id if owner else None,
                role=role,
            )
        print(user.id)

    _run(work)


@users.command("reset-password")
def reset_password_command(name: str) -> None:
    """Print a link by which a user sets a new password once, within an hour (重置密码)."""

    async def work(runtime: Runtime) -> None:
        async with runtime.database.write() as session:
            user = await find_user(session, name)
            link = await new_reset(session, OPERATOR, runtime.settings, user)
        print(link)

    _run(work)


@users.command("unlock")
def unlock_command(name: str) -> None:
    """Let a locked user in again, also after too many wrong passwords (解锁用户)."""

    async def work(runtime: Runtime) -> None:
        async with runtime.database.write() as session:
            await unlock_user(session, OPERATOR, await find_user(session, name))

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
        values = OrganizationCreate(name=name, kind=kind, code=code, place=place)
        async with runtime.database.write() as session:
            organization = await create_organization(session, OPERATOR, **values.model_dump())
        print(organization.id)

    _run(work)


@mails.command("list")
def list_mails_command(
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="How many")] = 20,
) -> None:
    """Show the latest mails: when, what became of it, to whom, subject, and the text where it is
    kept, links included (最近的邮件).

    Without KCT_SMTP_URL and KCT_MAIL_FROM no mail is sent: pass on from here the links by which
    people set a password or accept an invitation. The text of such a mail is kept for 7 days, that
    of a mail that was sent is forgotten at once.
    """

    async def work(runtime: Runtime) -> None:
        async with runtime.database.read() as session:
            for one in await mail.latest(session, limit):
                print(
                    f"{one.created_at:%Y-%m-%d %H:%M} UTC  {mail.state(one)}  "
                    f"{one.recipient}  {one.subject}"
                )
                if one.problem is not None:
                    print(f"    ! {one.problem}")
                for line in mail.text_of(one, runtime.settings).splitlines():
                    print(f"    {line}" if line else "")

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
    kind: Importable,
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
                    kind=kind.kind,
                    organization=owner,
                    progress=progress,
                )
            else:
                result = await _import(runtime, kind.kind, file, organization, progress)
        if report is not None:
            await write_report(report, result, file, runtime.settings)
        _print_report(result)
        if not dry_run:
            await catch_up(runtime)

    _run(work)


async def _import(
    runtime: Runtime, kind: ImportKind, file: Path, organization: str | None, progress: Progress
) -> Report:
    """Import a file, or go on with the import of it that was killed."""
    check_size(file, runtime.settings.max_file_size)
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    async with runtime.database.write() as session:
        owner = await _organization(session, organization)
        imported = await imports.find_unfinished(
            session, kind=kind, organization=owner, file_hash=digest
        )
        if imported is None:
            imported = imports.new_import(
                OPERATOR, kind=kind, organization=owner, file_name=file.name, file_hash=digest
            )
            kept = imports.file_path(runtime.settings, imported)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, kept)
            session.add(imported)
    imported = await imports.run_import(runtime.database, runtime.settings, imported.id, progress)
    if imported.failure_code is not None:
        raise Failed(f"{imported.failure_zh} / {imported.failure_en}")
    async with runtime.database.read() as session:
        return await imports.report(session, imported)


def _print_report(report: Report) -> None:
    place = f"{report.sheet or report.file}, header in row {report.header_row}"
    print(f"{report.file} ({place}): {len(report.rows)} rows")
    for name, count in report.counts.model_dump().items():
        print(f"  {name:<10}{count:>7}")
    for row in report.rows:
        for problem in row.problems:
            column = f"{' '.join(problem.column.split())}: " if problem.column else ""
            print(f"  row {row.row}  {column}{problem.message} [{problem.value or ''}]")


@app.command("dump")
def dump_command(file: Annotated[Path, typer.Argument(dir_okay=False)]) -> None:
    """Write all public records to a file of JSON lines (公开数据转储)."""

    async def work(runtime: Runtime) -> None:
        with file.open("wb") as out:
            async for lines in dump(runtime.database):
                out.write(lines)

    _run(work)


@app.command("load")
def load_command(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Load a dump into an empty instance, all of it or nothing (导入转储)."""

    async def work(runtime: Runtime) -> None:
        with _progress(file.name) as progress, file.open("rb") as lines:
            counts = await load(runtime.database, OPERATOR, lines, progress)
        print(", ".join(f"{count} {name}s" for name, count in counts.items()) or "nothing")
        await catch_up(runtime)

    _run(work)


@app.command()
def reindex() -> None:
    """Build the search index anew from the database (重建索引)."""

    async def work(runtime: Runtime) -> None:
        with _progress("reindex") as progress:
            await rebuild(runtime, progress)

    _run(work)


@app.command()
def check(
    remove_orphans: Annotated[
        bool, typer.Option("--remove-orphans", help="Remove contents that no attachment has")
    ] = False,
) -> None:
    """Compare the search index, and the store of attachments, with the database, and repair what
    differs (核对索引)."""

    async def work(runtime: Runtime) -> None:
        differing = await repair(runtime)
        print(f"{differing} records differed" if differing else "index and database agree")
        found = await orphans(runtime.database, runtime.attachments)
        for one in found if remove_orphans else ():
            await runtime.attachments.delete(one)
        if found:
            done = "were removed" if remove_orphans else "are left by crashes (--remove-orphans)"
            print(f"{len(found)} contents without an attachment {done}")

    _run(work)


@app.command("match")
def match_command(
    out: Annotated[Path | None, typer.Option(help="FILE.xlsx or FILE.json")] = None,
) -> None:
    """Match the whole of the two lists (供需匹配)."""
    if out is not None and out.suffix.lower() not in (".json", ".xlsx"):
        raise typer.BadParameter("matches go to a .json or .xlsx file", param_hint="--out")

    async def work(runtime: Runtime) -> None:
        matches = await _match_all(runtime)
        if out is not None:
            await write_matches(out, matches)
            print(f"{len(matches.items)} pairs: {out}")
        else:
            _print_pairs(matches.items)
        if matches.degraded is not None:
            _warn(matches.degraded)

    _run(work)


async def _match_all(runtime: Runtime) -> Matches[MatchedPair]:
    with _progress("vectors") as progress:
        await catch_up(runtime, vectors=True, progress=progress)
    with _progress("match") as progress:
        return await match_all(runtime.database, matcher(runtime), progress)


def _print_pairs(pairs: Sequence[MatchedPair]) -> None:
    for pair in pairs:
        print(
            f"\n{pair.score:.2f}  [{pair.grade}]  {pair.demand.title}  ←  {pair.achievement.title}"
        )
        print(f"      {demander(pair.demand)}  ←  {pair.achievement.organization.name}")
        for sign, reasons in (("+", pair.reasons.for_), ("-", pair.reasons.against)):
            for reason in reasons:
                print(f"      {sign} {reason.text}")


def _warn(line: str) -> None:
    print(f"kechuangtong: {line}", file=sys.stderr)


@app.command("evaluate")
def evaluate_command(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="The figures as JSON")] = False,
    run: Annotated[Path | None, typer.Option(help="Where the ranked lists go")] = None,
    folds: Annotated[
        int | None, typer.Option(min=2, max=20, help="Train on the other folds' demands")
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(help="The index that proposes; meilisearch is compared with embedded"),
    ] = Engine.EMBEDDED,
) -> None:
    """Measure the ranking on graded pairs (评测)."""

    async def work() -> None:
        content = read_folder(folder)
        with _progress("vectors") as progress:
            settings = Settings().model_copy(update={"search": engine.value})
            async with scratch(content, settings, progress) as store:
                with _progress("evaluate") as evaluating:
                    result = await evaluate(store, folds=folds, progress=evaluating)
        if run is not None:
            write_run(run, result.run)
        if result.warning is not None:
            _warn(result.warning)
        if as_json:
            print(json.dumps(result.report, ensure_ascii=False, indent=2))
        else:
            _print_figures(result.report)

    _assert_trainable(work)


def _print_figures(report: dict[str, Any]) -> None:
    print(
        f"{report['folder']}: {report['demands']} demands, {report['achievements']} achievements, "
        f"engine {report['engine']}, ranker {report['ranker']}"
    )
    columns = {"ranker": report["metrics"], **report["baselines"]}
    columns |= {f"- {name}": one for name, one in report["differences"].items()}
    print(f"{'':<14}" + "".join(f"{name:>24}" for name in columns))
    for metric in report["metrics"]:
        cells = (
            f"{one['value']:.3f} ({one['low']:.3f}, {one['high']:.3f})" if one else "-"
            for one in (figures[metric] for figures in columns.values())
        )
        print(f"{metric:<14}" + "".join(f"{cell:>24}" for cell in cells))
    if "embedded" in report:
        print(
            "the embedded engine: " + ", ".join(f"{k} {v}" for k, v in report["embedded"].items())
        )


@app.command("export-feedback")
def export_feedback_command(
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where the graded pairs go")],
) -> None:
    """Write what people said of matches as graded pairs, which `train` reads (导出反馈)."""

    async def work(runtime: Runtime) -> None:
        async with runtime.database.read() as session:
            print(f"{await feedback.export(session, folder)} pairs: {folder}")

    _run(work)


@app.command("train")
def train_command(
    folders: Annotated[list[Path], typer.Argument(exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Where the weights go")] = Path("ranker.json"),
    background: Annotated[
        Path | None, typer.Option(help="Count the folders' words into this file (.json.gz) instead")
    ] = None,
) -> None:
    """Learn the ranking's weights from graded pairs (训练)."""

    async def work() -> None:
        if background is not None:
            background.write_bytes(background_table(folders))
            return
        graded: list[Graded] = []
        for folder in folders:
            with _progress(folder.name) as progress:
                settings = Settings().model_copy(update={"search": Engine.EMBEDDED.value})
                async with scratch(read_folder(folder), settings, progress) as store:
                    async with store.runtime.database.read() as session:
                        graded += await store.graded(session)
        names = [folder.resolve().name for folder in folders]
        content = train(graded, today(), names)
        text = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
        out.write_text(text, encoding="utf-8")
        print(json.dumps(content["figures"]))

    _assert_trainable(work)


def _assert_trainable(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        asyncio.run(work())
    except ValueError as error:  # too few graded pairs, or no model of meaning to train on
        raise Failed(str(error)) from error


@app.command()
def demo(
    serve_too: Annotated[bool, typer.Option("--serve/--no-serve")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
) -> None:
    """Load the sample of both lists, show its best pairs, serve it (演示)."""
    if Settings().environment == "production":
        raise Failed("the demo's password is published: it does not run in production")

    async def work(runtime: Runtime) -> None:
        async with runtime.database.write() as session:
            await load_sample(session)
        await store_sample(runtime.attachments)
        matches = await _match_all(runtime)
        best = {pair.demand.id: pair for pair in reversed(matches.items)}.values()
        ordered = sorted(best, key=lambda pair: -pair.score)
        _print_pairs(ordered[:DEMO_PAIRS])
        if matches.degraded is not None:
            _warn(matches.degraded)

    _run(work)
    if serve_too:
        print(
            f"\nSign in (登录): {USER} / {PASSWORD}, a university's office: {EDITOR} / {PASSWORD}"
        )
        serve(port)


@app.command()
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8000,
    host: Annotated[str, typer.Option(envvar="KCT_HOST")] = "127.0.0.1",
) -> None:
    """Serve the API; on the embedded default also index and work (启动服务)."""
    # The routes take a second to load, and the other commands do without.
    from kechuangtong.app import create_app

    settings = Settings()
    _run(check_for_production)
    _ = settings.signing_key  # a key that cannot sign is told now, not at the first sign-in
    listening = socket.create_server((host, port))
    # Each connection gets this of it. Without it the second half of an answer on a connection that
    # was used before waits 40 ms for the client to acknowledge the first.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    port = listening.getsockname()[1]
    if "public_url" not in settings.model_fields_set:
        settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{port}"})
    # On the embedded default one thread answers and another writes the index: the one that answers
    # has its turn after a millisecond, not after five.
    sys.setswitchinterval(0.001)
    base = f"http://{host}:{port}"
    print(f"API {base}/v1  Swagger UI {base}/docs  ReDoc {base}/redoc  Pages {base}/", flush=True)
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=settings.proxies,
        http="h11",
        h11_max_incomplete_event_size=_MAX_HEAD,
        timeout_graceful_shutdown=_STOPPING_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])


@app.command()
def worker() -> None:
    """Do background work without serving: imports, mail, writing the index (后台进程)."""

    async def work(runtime: Runtime) -> None:
        await check_for_production(runtime)
        stop = asyncio.Event()
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, stop.set)
        async with working(runtime):
            await stop.wait()

    _run(work)
