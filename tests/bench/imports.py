"""A large workbook into a served process: times, memory, and what others notice meanwhile, printed.

    PYTHONPATH=tests python tests/bench/imports.py [--rows 50000] [--rate 5] [--vectors 60]

`serve` on the embedded default (SQLite, the packaged model, its worker in the same command) takes
an .xlsx of so many rows by 20 columns, while a caller reads records, lists, searches and matches at
a fixed rate. The same caller's times before the import stand beside those during it.
"""

import argparse
import io
import os
import random
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import xlsxwriter

from deployment import Deployment, populate, wait
from kechuangtong.sample.service import records

RANDOM = random.Random(7)
HEADERS = [
    "成果编号", "成果名称", "成果简介", "应用前景", "所属领域", "关键词", "所处阶段",
    "技术成熟度（TRL）", "知识产权号", "合作方式", "意向价格（万元）", "完成日期", "有效期至",
    "所在地", "联系人", "联系部门", "联系电话", "电子邮箱", "所在学院", "备注",
]  # fmt: skip
WHAT = "余热 废水 粉尘 噪声 焊缝 轴承 电池 叶片 土壤 药液 图像 车流 桥梁 管网 种子 钢渣 齿轮 谷物".split()
HOW = "吸附 检测 回收 识别 调度 净化 监测 分选 修复 预测 涂覆 萃取 控温 减振 成形 干燥".split()
FORM = "装置 系统 方法 材料 平台 传感器 工艺 软件 机组 模块 试剂 算法".split()
WAYS = ["技术转让", "技术许可", "合作开发", "作价入股"]
STAGES = ["实验室", "小试", "中试", "产业化"]


def sentence() -> str:
    one, other = RANDOM.sample(WHAT, 2)
    return (
        f"针对{one}{RANDOM.choice(HOW)}中{other}波动大的问题，采用{RANDOM.choice(HOW)}与"
        f"{RANDOM.choice(HOW)}相结合的{RANDOM.choice(FORM)}，能耗降低{RANDOM.randint(5, 60)}%，"
        f"在{RANDOM.randint(2, 90)}家企业试用"
    )


def word(number: int) -> str:
    """A word that stands in one row alone."""
    return f"kq{number:06d}x"


def row(number: int) -> list[Any]:
    title = f"{RANDOM.choice(WHAT)}{RANDOM.choice(HOW)}{RANDOM.choice(FORM)}{word(number)}"
    return [
        f"B-{number}",
        title,
        "。".join(sentence() for _ in range(3)),
        sentence(),
        RANDOM.choice(["节能环保", "新材料", "装备制造", "生物医药", "电子信息"]),
        "；".join(RANDOM.sample(WHAT, 3)),
        RANDOM.choice(STAGES),
        f"TRL{RANDOM.randint(3, 9)}",
        "",
        "、".join(RANDOM.sample(WAYS, 2)),
        RANDOM.randint(5, 500),
        f"202{RANDOM.randint(0, 5)}-0{RANDOM.randint(1, 9)}-1{RANDOM.randint(0, 9)}",
        "2039-12-31",
        "四川省成都市",
        RANDOM.choice(["李老师", "王老师", "陈老师"]),
        "科研院",
        f"028-8{number:07d}",
        f"t{number}@example.edu.cn",
        f"第{RANDOM.randint(1, 30)}学院",
        RANDOM.choice(["可现场考察", "可提供样品", "面谈"]),
    ]


def workbook(count: int) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("成果清单")
        sheet.write_row(0, 0, HEADERS)
        for number in range(count):
            sheet.write_row(number + 1, 0, row(number))
    return buffer.getvalue()


class Others(threading.Thread):
    """One who reads at a fixed rate, whatever the last answer took; milliseconds by kind."""

    def __init__(self, client: httpx.Client, rate: float) -> None:
        super().__init__(daemon=True)
        self.took: dict[str, list[float]] = {}
        self.failed = 0
        self._client = client
        self._pause = 1 / rate
        self._ending = threading.Event()
        self._running: list[threading.Thread] = []
        listed = [client.get(f"/v1/{kind}s?limit=100").json() for kind in ("achievement", "demand")]
        self._records, self._demands = ([one["id"] for one in page["items"]] for page in listed)

    def run(self) -> None:
        due = time.perf_counter()
        while not self._ending.is_set():
            calling = threading.Thread(target=self._call)
            calling.start()
            self._running.append(calling)
            due += self._pause
            self._ending.wait(max(0.0, due - time.perf_counter()))

    def end(self) -> float:
        """Stop; the 95th percentile of all."""
        self._ending.set()
        self.join()
        for one in self._running:
            one.join()
        return float(np.percentile(np.concatenate([*self.took.values()]), 95))

    def _call(self) -> None:
        kind, path = RANDOM.choice(
            [
                ("record", f"/v1/achievements/{RANDOM.choice(self._records)}"),
                ("list", "/v1/achievements?limit=20"),
                ("search", f"/v1/search?q={RANDOM.choice(WHAT)}{RANDOM.choice(HOW)}"),
                ("matches", f"/v1/demands/{RANDOM.choice(self._demands)}/matches?limit=10"),
            ]
        )
        begun = time.perf_counter()
        answer = self._client.get(path)
        self.took.setdefault(kind, []).append((time.perf_counter() - begun) * 1_000)
        self.failed += answer.status_code != 200

    def tell(self, when: str) -> None:
        for kind, took in sorted(self.took.items()):
            middle, late = np.percentile(took, [50, 95])
            print(
                f"  {when} {kind:<8}{len(took):>6}   median {middle:7.1f} ms   p95 {late:7.1f} ms"
            )


class Memory(threading.Thread):
    """The most that each process of a tree ever held, in kilobytes, by what it is."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.peaks: dict[str, int] = {}
        self.ending = threading.Event()
        self._root = root

    def run(self) -> None:
        while not self.ending.wait(0.05):
            for one in [self._root, *started_by(self._root)]:
                with suppress(OSError, IndexError):
                    command = Path(f"/proc/{one}/cmdline").read_text(encoding="utf-8").split("\0")
                    name = command[2] if "kechuangtong." in command[2] else "serve"
                    status = Path(f"/proc/{one}/status").read_text(encoding="utf-8")
                    held = int(status.split("VmHWM:")[1].split()[0])
                    self.peaks[name] = max(self.peaks.get(name, 0), held)


def started_by(process: int) -> list[int]:
    """The processes below one."""
    found = []
    for listed in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(OSError):
            for one in map(int, listed.read_text(encoding="ascii").split()):
                found += [one, *started_by(one)]
    return found


def send(client: httpx.Client, name: str, content: bytes, kind: str) -> str:
    sent = client.post(
        "/v1/imports",
        files={"file": (name, content)},
        data={"kind": kind, "organization": "蜀江大学"},
        timeout=60,
    )
    return str(sent.raise_for_status().headers["Location"])


def known(client: httpx.Client) -> None:
    """Some records that are there before, with their vectors."""
    for kind, header in (("achievement", "成果名称,成果简介"), ("demand", "需求名称,需求内容")):
        rows = [
            f'{one["title"]},"{one["description"]}"' for one in records() if one["kind"] == kind
        ]
        send(client, "已有.csv", "\n".join([header, *rows]).encode(), kind)
    time.sleep(2)

    def indexed() -> bool:
        index = client.get("/v1/status").json()["index"]
        return not (index["words_left"] or index["vectors_left"])

    wait(indexed, 300)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--rate", type=float, default=5.0)
    parser.add_argument("--vectors", type=int, default=60, help="seconds to count them for")
    chosen = parser.parse_args()
    content = workbook(chosen.rows)
    print(f"{chosen.rows} rows by {len(HEADERS)} columns, {len(content) / 1e6:.1f} MB, load "
          f"{os.getloadavg()[0]:.1f}, {os.cpu_count()} processors")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        deployment = Deployment({"KCT_DATA_DIR": folder, "KCT_DATABASE_URL": ""})
        try:
            deployment.done("migrate")
            populate(deployment)
            client = deployment.serve()
            known(client)
            measure(client, deployment.processes[0].pid, content, chosen)
        finally:
            deployment.stop()


def measure(client: httpx.Client, pid: int, content: bytes, chosen: argparse.Namespace) -> None:
    before = Others(client, chosen.rate)
    before.start()
    time.sleep(20)
    usual = before.end()
    before.tell("before")

    memory, others = Memory(pid), Others(client, chosen.rate)
    memory.start()
    others.start()
    begun = time.perf_counter()
    path = send(client, "成果.xlsx", content, "achievement")

    def past() -> str:
        return f"{time.perf_counter() - begun:6.1f} s"

    print(f"taken in               {past()}")

    wait(lambda: client.get(path).json()["total"], 120)
    print(f"read                   {past()}")
    while (ended := client.get(path).json())["state"] not in ("done", "failed"):
        time.sleep(0.5)
    print(f"imported               {past()}   {ended['counts']} {ended['failure'] or ''}")
    last = word(chosen.rows - 1)

    def found() -> bool:
        index = client.get("/v1/status").json()["index"]
        hits = client.get("/v1/search", params={"q": last}).json()["items"]
        return bool(hits) and last in str(hits[0]) and not index["words_left"]

    while not found():
        time.sleep(0.5)
    print(f"searchable by words    {past()}")
    p95 = others.end()
    others.tell("during")
    print(f"others, p95: {p95:.1f} ms, {p95 / usual:.1f} times that before; {others.failed} failed")

    left = client.get("/v1/status").json()["index"]["vectors_left"]
    begun = time.perf_counter()
    others = Others(client, chosen.rate)
    others.start()
    time.sleep(chosen.vectors)
    now = client.get("/v1/status").json()["index"]["vectors_left"]
    print(f"vectors: {(left - now) / (time.perf_counter() - begun):.1f} records a second, "
          f"{now} left; others, p95: {others.end():.1f} ms")  # fmt: skip
    memory.ending.set()
    memory.join()
    for name, peak in memory.peaks.items():
        print(f"memory, at most: {peak * 1024 / 1e6:6.0f} MB  {name}")
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
