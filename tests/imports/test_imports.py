"""Imports end to end: rows become records, once, whatever happens to the process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import openpyxl
import pytest
from sqlalchemy import func, select

from conftest import PASSWORD, PROGRAM, Service
from kechuangtong import cli
from kechuangtong.core import migrations
from kechuangtong.core.db import Database
from kechuangtong.models import Achievement, Demand, Event, Organization
from kechuangtong.models.importing import Import, ImportRow
from kechuangtong.settings import Settings
from sending import HEADER, send, workbook
from waiting import until

ROWS = [
    ["石墨烯导热膜", "卷对卷制备", "中试", "50万", ""],
    ["低温余热除湿", "", "7级", "面议", ""],
    ["", "没有名称", "", "", ""],
    ["石墨烯導熱膜", "又一次", "", "", ""],
    ["坏专利", "", "", "", "ZL201710601862.4"],
]


async def test_a_list_is_imported_published_and_found(
    service: Service, scholar: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    ended = await send(scholar, workbook(ROWS))
    assert ended["counts"] == {
        "created": 2,
        "changed": 0,
        "unchanged": 0,
        "duplicate": 1,
        "refused": 2,
    }
    report = (await scholar.get(f"/v1/imports/{ended['id']}/report")).json()
    assert report["columns"]["意向价格"] == "price"
    assert report["header_row"] == 1
    assert [row["outcome"] for row in report["rows"]] == [
        "created",
        "created",
        "refused",
        "duplicate",
        "refused",
    ]
    assert report["rows"][3]["of_row"] == 2
    assert report["rows"][4]["problems"][0] | {"message": ""} == {
        "column": "知识产权号",
        "code": "patent_check_digit",
        "value": "ZL201710601862.4",
        "message": "",
    }

    async def found() -> bool:
        answer = await anyone.get("/v1/search?q=导热膜")
        return answer.json()["total"] == 1

    await until(found)
    item = (await anyone.get("/v1/search?q=导热膜")).json()["items"][0]["achievement"]
    assert item["organization"]["name"] == "蜀江大学"
    assert (item["stage"], item["trl"], item["price"]["low"]) == ("pilot", None, "500000.00")


async def test_a_second_run_changes_nothing_and_a_later_file_what_it_says(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    await send(scholar, workbook(ROWS))
    async with service.runtime.database.read() as session:
        count = select(func.count()).select_from(Event).where(Event.action != "import.created")
        events = await session.scalar(count)
    again = await send(scholar, workbook(ROWS))
    assert again["counts"]["unchanged"] == 2
    async with service.runtime.database.read() as session:
        assert await session.scalar(count) == events
    later = await send(scholar, workbook([["石墨烯导热膜", "卷对卷制备", "产业化"]], HEADER[:3]))
    assert later["counts"]["changed"] == 1
    async with service.runtime.database.read() as session:
        record = await session.scalar(
            select(Achievement).where(Achievement.title == "石墨烯导热膜")
        )
        assert (record.stage, str(record.price.low)) == ("industrial", "500000.00")


async def test_a_later_list_may_hold_old_rows_and_new_ones(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    await send(scholar, workbook(ROWS[:2]))
    later = workbook([ROWS[0], ["低温余热除湿", "吸附转轮"], ["电解水制氢", "碱性"]])
    dry = await send(scholar, later, dry_run="true")
    ended = await send(scholar, later)
    assert dry["counts"] == ended["counts"]
    assert [ended["counts"][one] for one in ("unchanged", "changed", "created")] == [1, 1, 1]


async def test_a_dry_run_says_what_a_real_one_does_and_writes_nothing(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    dry = await send(scholar, workbook(ROWS), dry_run="true")
    async with service.runtime.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Achievement)) == 0
    real = await send(scholar, workbook(ROWS))
    assert dry["counts"] == real["counts"]
    reports = [
        (await scholar.get(f"/v1/imports/{one['id']}/report")).json()["rows"] for one in (dry, real)
    ]
    assert reports[0] == reports[1]


async def test_demands_name_their_enterprise(service: Service, admin: httpx.AsyncClient) -> None:
    content = (
        "企业名称,需求名称,预算（万元）\n锦城机电有限公司,除湿,20\n新来的公司,节能,面议\n,无主,\n"
    )
    ended = await send(admin, content.encode("gb18030"), kind="demands", file_name="需求.csv")
    assert (ended["counts"]["created"], ended["counts"]["refused"]) == (2, 1)
    async with service.runtime.database.read() as session:
        owners = await session.execute(
            select(Demand.title, Organization.name).join(Demand.organization)
        )
        assert dict(owners.all()) == {"除湿": "锦城机电有限公司", "节能": "新来的公司"}


async def test_an_import_is_followed_until_it_has_ended(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    file = {"file": ("成果.xlsx", workbook(ROWS))}
    sent = await scholar.post("/v1/imports", files=file, data={"kind": "achievement"})
    path = f"{sent.headers['Location']}/events"
    answer = await scholar.get(path, timeout=40)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [
        json.loads(line.removeprefix("data: "))
        for line in answer.text.splitlines()
        if line.startswith("data: ")
    ]
    assert [one["done"] for one in events] == sorted(one["done"] for one in events)
    assert (events[-1]["state"], events[-1]["done"]) == ("done", 5)
    assert (await buyer.get(path)).status_code == 404


async def test_an_enterprise_is_one_however_its_name_is_typed(
    service: Service, admin: httpx.AsyncClient
) -> None:
    content = (
        "企业名称,统一社会信用代码,需求名称\n"
        "天府（成都）科技有限公司,91110000600037341L,除湿\n"
        "天府(成都)科技有限公司,,节能\n"
        "蜀錦 有限公司,,导热\n"
        "蜀锦有限公司,,散热\n"
        "蜀锦有限公司,,导 热\n"
    )
    form = {"kind": "demand", "file_name": "需求.csv"}
    first = await send(admin, content.encode(), **form)
    assert (first["counts"]["created"], first["counts"]["duplicate"]) == (4, 1)
    again = await send(admin, content.encode(), **form)
    assert (again["counts"]["unchanged"], again["counts"]["duplicate"]) == (4, 1)
    async with service.runtime.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Organization)) == 4
    coded = "企业名称,信用代码,需求名称\n蜀锦有限公司,91510100MA61TPA09D,散热\n"
    later = await send(admin, coded.encode(), **form)
    assert later["counts"]["unchanged"] == 1


async def test_what_a_later_list_has_no_column_for_is_left_alone(
    service: Service, admin: httpx.AsyncClient
) -> None:
    lists = [
        "企业名称,需求名称,需求内容,阶段,TRL,联系人,电话\n锦城机电有限公司,除湿,低温,中试,6,张三,1\n",
        "企业名称,需求名称,TRL,电话\n锦城机电有限公司,除湿,7,2\n",
        "企业名称,需求名称,阶段,联系人\n锦城机电有限公司,除湿,小试,\n",
    ]
    for content in lists:
        ended = await send(admin, content.encode(), kind="demand", file_name="需求.csv")
    assert ended["counts"]["changed"] == 1
    async with service.runtime.database.read() as session:
        record = await session.scalar(select(Demand))
    assert record is not None
    assert (record.description, record.required_stage) == ("低温", "bench")
    assert record.required_trl is not None
    assert record.required_trl.level == 7
    assert record.contact is not None
    assert (record.contact["name"], record.contact["phone"]) == (None, "2")


async def test_nobody_imports_for_others(
    service: Service, buyer: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    form = {"kind": "achievement", "organization": "蜀江大学"}
    sent = await buyer.post("/v1/imports", files={"file": ("a.xlsx", workbook(ROWS))}, data=form)
    assert sent.status_code == 403
    assert (
        await anyone.post("/v1/imports", files={"file": ("a", b"x")}, data=form)
    ).status_code == 401
    content = "需求单位,需求名称\n别的公司,越权\n"
    ended = await send(buyer, content.encode(), kind="demand", file_name="需求.csv")
    assert ended["counts"]["created"] + ended["counts"]["refused"] == 1
    async with service.runtime.database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Organization)) == 2


async def test_imports_are_their_senders_to_see(
    service: Service, scholar: httpx.AsyncClient, buyer: httpx.AsyncClient
) -> None:
    ended = await send(scholar, workbook(ROWS))
    assert (await buyer.get(f"/v1/imports/{ended['id']}")).status_code == 404
    assert (await buyer.get("/v1/imports")).json()["items"] == []
    assert len((await scholar.get("/v1/imports")).json()["items"]) == 1
    await send(scholar, workbook(ROWS), dry_run="true")
    page = await scholar.get("/v1/imports?limit=1")
    following = await scholar.get(page.links["next"]["url"])
    assert [one["id"] for one in following.json()["items"]] == [ended["id"]]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"PK\x03\x04nonsense", "file_damaged"),
        ("需求名称,需求内容\n甲,乙\n".encode(), "wrong_kind"),
        (b"%PDF-1.7", "file_type_not_supported"),
    ],
)
async def test_a_file_that_is_no_list_fails_with_its_reason(
    service: Service, scholar: httpx.AsyncClient, content: bytes, code: str
) -> None:
    ended = await send(scholar, content)
    assert (ended["state"], ended["failure"]["code"]) == ("failed", code)
    assert ended["failure"]["message"]


@pytest.mark.parametrize(
    ("name", "form", "place"),
    [
        ("a.csv", {"kind": "achievement", "dryrun": "true"}, "dryrun"),
        ("a.csv", {"kind": "achievement", "organization": "蜀\x00"}, "organization"),
        ("a.csv", {"kind": "nonsense"}, "kind"),
        ("a\x00.csv", {"kind": "achievement"}, "file"),
    ],
)
async def test_a_form_that_is_not_understood_is_answered_with_its_place(
    service: Service, scholar: httpx.AsyncClient, name: str, form: dict[str, str], place: str
) -> None:
    parts = [f'name="{key}"\r\n\r\n{value}' for key, value in form.items()]
    parts.append(f'name="file"; filename="{name}"\r\n\r\n成果名称\n甲\n')
    lines = "".join(f"--b\r\nContent-Disposition: form-data; {part}\r\n" for part in parts)
    sent = await scholar.post(
        "/v1/imports",
        content=f"{lines}--b--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert sent.status_code == 422, sent.text
    assert [one["loc"] for one in sent.json()["errors"]] == [["body", place]]
    assert (await scholar.get("/v1/imports")).json()["items"] == []


async def test_an_import_that_cannot_be_run_ends_and_says_so(
    service: Service, scholar: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("kechuangtong.imports.service.parse_sheet", broken)
    ended = await send(scholar, workbook(ROWS))
    assert (ended["state"], ended["failure"]["code"]) == ("failed", "internal_error")


async def test_a_file_over_the_limit_is_refused_at_once(
    service: Service, scholar: httpx.AsyncClient
) -> None:
    content = b"x" * (service.runtime.settings.max_file_size + 200_000)
    sent = await scholar.post(
        "/v1/imports", files={"file": ("a.csv", content)}, data={"kind": "achievement"}
    )
    assert (sent.status_code, sent.json()["code"]) == (413, "body_too_large")


def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "KCT_DATA_DIR": str(settings.data_dir),
        "KCT_DATABASE_URL": settings.resolved_database_url,
        "KCT_EMBEDDINGS": "none",
    }


Called = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, *arguments]


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(settings),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Runs commands in this process, which is quicker than to start one for each."""
    monkeypatch.setattr(cli.logs, "configure", lambda: None)  # else it logs to what is captured

    def call(settings: Settings | None, *arguments: str) -> subprocess.CompletedProcess[str]:
        for name, value in (environment(settings) if settings else {}).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["kechuangtong", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main()
        told = capsys.readouterr()
        code = ended.value.code
        assert code is None or isinstance(code, int)
        return subprocess.CompletedProcess(arguments, code or 0, told.out, told.err)

    return call


async def test_an_import_that_is_killed_goes_on_where_it_was(
    settings: Settings, tmp_path: Path
) -> None:
    database = Database(settings.resolved_database_url)
    settings.data_dir.mkdir()
    await migrations.migrate(database)
    assert (
        run(settings, "organization", "create", "蜀江大学", "--kind", "university").returncode == 0
    )
    path = tmp_path / "成果.xlsx"
    total = 3_000
    path.write_bytes(workbook([[f"成果{n}", "简介" * 20, "中试", "5万"] for n in range(total)]))
    arguments = command("import", "achievements", str(path), "--organization", "蜀江大学")
    process = subprocess.Popen(arguments, env=environment(settings))

    async def begun() -> bool:
        async with database.read() as session:
            return bool(await session.scalar(select(Import.done)))

    await until(begun, 60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    async with database.read() as session:
        killed = await session.scalar(select(Import))
        done = killed.done
        assert await session.scalar(select(func.count()).select_from(Achievement)) == done
    assert 0 < done < total
    report = tmp_path / "report.json"
    again = run(
        settings, "import", "achievements", str(path), "--organization", "蜀江大学",
        "--report", str(report),
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    counts = json.loads(report.read_text(encoding="utf-8"))["counts"]
    assert counts == {"created": total, "changed": 0, "unchanged": 0, "duplicate": 0, "refused": 0}
    async with database.read() as session:
        assert await session.scalar(select(func.count()).select_from(Achievement)) == total
        assert await session.scalar(select(func.count()).select_from(ImportRow)) == total
        assert await session.scalar(select(func.count()).select_from(Import)) == 1
    await database.close()


def test_the_report_is_the_sheet_with_reasons_in_front(tmp_path: Path, called: Called) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=None)
    called(settings, "organization", "create", "蜀江大学", "--kind", "university")
    path, report = tmp_path / "成果.xlsx", tmp_path / "结果.xlsx"
    path.write_bytes(workbook(ROWS))
    done = run(
        settings, "import", "achievements", str(path), "--organization", "蜀江大学",
        "--report", str(report),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = list(openpyxl.load_workbook(report).active.iter_rows(values_only=True))
    assert rows[0][:4] == ("行号", "结果", "原因", "成果名称")
    assert [row[0] for row in rows[1:]] == [2, 3, 4, 5, 6]
    assert "缺少名称" in rows[3][2]


def test_wrong_calls_end_with_2_and_failures_with_1_and_one_line(
    tmp_path: Path, called: Called
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "成果.xlsx"
    path.write_bytes(workbook(ROWS))
    assert called(settings, "import", "nonsense", str(path)).returncode == 2
    absent = str(tmp_path / "none.xlsx")
    assert called(settings, "import", "achievements", absent).returncode == 2
    wrong = ("import", "achievements", str(path), "--report", "x.txt")
    assert called(settings, *wrong).returncode == 2
    for arguments in (
        ("import", "achievements", str(path), "--organization", "没有"),
        ("import", "demands", str(path)),
    ):
        failed = called(settings, *arguments)
        assert failed.returncode == 1
        assert len(failed.stderr.strip().splitlines()) == 1


def test_a_huge_file_is_refused_before_it_is_read_or_kept(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "成果.csv"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    failed = run(settings, "import", "achievements", str(path))
    assert failed.returncode == 1
    assert len(failed.stderr.strip().splitlines()) == 1
    assert not list(settings.data_dir.rglob("*.csv"))


def test_a_busy_port_and_an_absent_database_are_one_line(tmp_path: Path, called: Called) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=None)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        taken = run(settings, "serve", "--port", str(busy.getsockname()[1]))
    absent = settings.model_copy(
        update={"database_url": "postgresql+psycopg://nobody@127.0.0.1:1/none"}
    )
    for failed in (taken, called(absent, "match")):
        assert_one_line(failed)


def assert_one_line(failed: subprocess.CompletedProcess[str]) -> None:
    assert failed.returncode == 1
    assert failed.stderr.startswith("kechuangtong: ")
    assert len(failed.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KCT_MAX_ROWS", "many"),
        ("KCT_DATABASE_URL", "nonsense"),
        ("KCT_DATABASE_URL", "mysql://nobody@127.0.0.1/none"),
        ("KCT_SECRET_KEY", "short"),
    ],
)
def test_a_wrong_setting_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, called: Called, name: str, value: str
) -> None:
    monkeypatch.setenv("KCT_DATA_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    failed = called(None, "serve", "--port", "0")
    assert_one_line(failed)
    assert name in failed.stderr


def test_names_are_checked_as_over_http(tmp_path: Path, called: Called) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url=None)
    for arguments in (
        ("organization", "create", " ", "--kind", "park"),
        ("organization", "create", "长" * 201, "--kind", "park"),
        ("organization", "create", "园区", "--kind", "park", "--code", "91510100MA6CGHPX4X"),
        ("user", "create", "", "--password", PASSWORD),
        ("user", "create", "长" * 101, "--password", PASSWORD),
    ):
        assert_one_line(called(settings, *arguments))


def test_an_import_waits_until_the_serving_process_has_indexed_it(
    tmp_path: Path, called: Called
) -> None:
    settings = prepared(tmp_path, called)
    path = tmp_path / "成果.xlsx"
    path.write_bytes(workbook(ROWS))
    process, client = serving(settings)
    done = run(settings, "import", "achievements", str(path), "--organization", "蜀江大学")
    assert done.returncode == 0, done.stderr
    assert client.get("/v1/search", params={"q": "导热膜"}).json()["total"] == 1
    assert run(settings, "reindex").returncode == 0
    assert client.get("/v1/search", params={"q": "导热膜"}).json()["total"] == 1
    stop(process, client)


def prepared(tmp_path: Path, called: Called) -> Settings:
    """Settings of a database with a university and an administrator."""
    settings = Settings(data_dir=tmp_path / "data", database_url=None)
    called(settings, "organization", "create", "蜀江大学", "--kind", "university")
    called(settings, "user", "create", "root", "--administrator", "--password", PASSWORD)
    return settings


def serving(settings: Settings) -> tuple[subprocess.Popen[str], httpx.Client]:
    """A served process, ready, and a caller of it who is its administrator."""
    process = subprocess.Popen(
        command("serve", "--port", "0"),
        env=environment(settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    base = process.stdout.readline().split()[1].removesuffix("/v1")
    client = httpx.Client(base_url=base, trust_env=False, timeout=30)
    limit = time.monotonic() + 30
    while True:
        try:
            if client.get("/health/ready").status_code == 200:
                break
        except httpx.TransportError:
            assert time.monotonic() < limit, "the service did not start"
        time.sleep(0.1)
    form = {"username": "root", "password": PASSWORD}
    token = client.post("/v1/auth/token", data=form).raise_for_status().json()["access_token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return process, client


def stop(process: subprocess.Popen[str], client: httpx.Client, sign: int = signal.SIGTERM) -> None:
    client.close()
    process.send_signal(sign)
    process.wait(30)
    assert process.stdout is not None
    process.stdout.close()


def runs_apart(process: subprocess.Popen[str]) -> list[int]:
    """The processes in which a served process runs imports."""
    found = []
    for listed in Path(f"/proc/{process.pid}/task").glob("*/children"):
        for one in listed.read_text().split():
            command = Path(f"/proc/{one}/cmdline").read_text()
            found += [int(one)] if "kechuangtong.imports.apart" in command else []
    return found


def test_an_upload_outlives_the_processes_that_took_it(tmp_path: Path, called: Called) -> None:
    settings = prepared(tmp_path, called)
    total = 6_000
    content = workbook([[f"成果{n}", f"简介{n}" * 20, "中试", "5万"] for n in range(total)])
    process, client = serving(settings)
    sent = client.post(
        "/v1/imports",
        files={"file": ("成果.xlsx", content)},
        data={"kind": "achievement", "organization": "蜀江大学"},
    )
    path = sent.headers["Location"]
    limit = time.monotonic() + 120

    def goes_on_from(done: int) -> int:
        while (now := client.get(path).json()["done"]) <= done:
            assert time.monotonic() < limit
        return int(now)

    # The process of a large import can die alone,
    done = goes_on_from(0)
    (apart,) = runs_apart(process)
    os.kill(apart, signal.SIGKILL)
    # and ends with the one that serves.
    for sign in (signal.SIGTERM, signal.SIGKILL):
        done = goes_on_from(done)
        (apart,) = runs_apart(process)
        stop(process, client, sign)
        while Path(f"/proc/{apart}").exists():
            assert time.monotonic() < limit
        process, client = serving(settings)
        limit = time.monotonic() + 120

    while (ended := client.get(path).json())["state"] != "done":
        assert ended["state"] == "running"
        assert time.monotonic() < limit
        time.sleep(0.2)
    assert ended["counts"]["created"] == ended["done"] == total
    found = client.get("/v1/status").json()["index"]
    while found["words_left"]:
        assert time.monotonic() < limit
        time.sleep(0.2)
        found = client.get("/v1/status").json()["index"]
    assert found["documents"]["achievement"] == total
    stop(process, client)


async def test_a_list_says_which_enterprises_are_not_to_be_named(
    service: Service, admin: httpx.AsyncClient, anyone: httpx.AsyncClient
) -> None:
    header = ["需求名称", "需求内容", "企业名称", "企业名称是否公开"]
    rows = [
        ["烘干除湿", "利用余热", "青石食品有限公司", "否"],
        ["青石食品废水回用", "清洗废水", "青石食品有限公司", "否"],
        ["噪声治理", "厂界噪声", "白岩机械有限公司", "是"],
        ["粉尘治理", "车间粉尘", "白岩机械有限公司", "以后再说"],
    ]
    file = {"kind": "demand", "file_name": "需求.xlsx"}
    ended = await send(admin, workbook(rows, header), **file)
    report = (await admin.get(f"/v1/imports/{ended['id']}/report")).json()
    assert [row["outcome"] for row in report["rows"]] == ["created", "refused"] * 2
    told = [(one["column"], one["code"]) for row in report["rows"] for one in row["problems"]]
    assert told == [
        ("需求名称", "names_organization"),
        ("企业名称是否公开", "anonymous_not_understood"),
    ]
    shown = (await anyone.get("/v1/demands?sort=title")).json()["items"]
    assert [(one["title"], one["anonymous"], one["organization"] is None) for one in shown] == [
        ("噪声治理", False, False),
        ("烘干除湿", True, True),
    ]
    # A later list without the column leaves it as it is, and is held to it.
    later = [["烘干除湿", "青石食品要利用余热", "青石食品有限公司"]]
    ended = await send(admin, workbook(later, header[:3]), **file)
    assert ended["counts"]["refused"] == 1
    later = [["烘干除湿", "要利用余热", "青石食品有限公司"]]
    ended = await send(admin, workbook(later, header[:3]), **file)
    assert ended["counts"]["changed"] == 1
    (item,) = (await anyone.get("/v1/demands?sort=-title&limit=1")).json()["items"]
    assert (item["description"], item["organization"]) == ("要利用余热", None)
