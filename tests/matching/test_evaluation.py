"""`evaluate` and `train` by their contract, on a folder made of the sample."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conftest import PROGRAM
from kechuangtong.matching.bm25 import Bm25
from kechuangtong.matching.measures import auc, bootstrap, ndcg
from kechuangtong.sample.service import grades, records

METRICS = ["ndcg_at_10", "ndcg_at_5", "auc", "grading_score", "recall_at_200", "success_at_1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("graded")
    for kind in ("demand", "achievement"):
        lines = [
            json.dumps({name: one.get(name) for name in ("id", "title", "description")})
            for one in records()
            if one["kind"] == kind and one.get("state") is None
        ]
        (path / f"{kind}s.jsonl").write_text("\n".join(lines), encoding="utf-8")
    pairs = "".join(f"{d}\t{a}\t{grade}\n" for d, a, grade in grades())
    (path / "qrels.tsv").write_text(pairs, encoding="utf-8")
    return path


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "KCT_DATA_DIR": "/nonexistent"},
        timeout=300,
        check=False,
    )


def test_the_figures_can_be_computed_again_from_the_run(folder: Path, tmp_path: Path) -> None:
    ranked = tmp_path / "run.tsv"
    done = run("evaluate", str(folder), "--folds", "3", "--json", "--run", str(ranked))
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["folds"] == 3
    assert report["metrics"]["ndcg_at_10"]["value"] > 0.8
    assert list(report) == [
        "folder", "demands", "achievements", "engine", "ranker", "folds", "metrics", "baselines",
        "differences",
    ]  # fmt: skip
    assert list(report["metrics"]) == METRICS
    assert set(report["baselines"]) == set(report["differences"]) == {"bm25", "vectors"}
    for part in (report["metrics"], *report["baselines"].values(), *report["differences"].values()):
        assert all(
            one is None or one["low"] <= one["value"] <= one["high"] for one in part.values()
        )
    assert report["baselines"]["bm25"]["grading_score"] is None

    qrels: dict[str, dict[str, int]] = {}
    for demand, achievement, grade in grades():
        qrels.setdefault(demand, {})[achievement] = grade
    lists: dict[tuple[str, str], list[dict[str, str]]] = {}
    with ranked.open(encoding="utf-8") as file:
        reader = csv.DictReader(file, delimiter="\t")
        assert reader.fieldnames == ["demand", "list", "achievement", "rank", "score", "grade"]
        for line in reader:
            lists.setdefault((line["demand"], line["list"]), []).append(line)
    gains, errors, found, relevant, firsts = [], [], 0, 0, []
    for demand, pairs in qrels.items():
        lines = lists[demand, "graded"]
        assert [int(line["rank"]) for line in lines] == list(range(1, len(pairs) + 1))
        ordered = [pairs[line["achievement"]] for line in lines]
        gain = [2.0 ** (grade - 1) - 1 for grade in ordered]
        dcg = sum(one / np.log2(place + 2) for place, one in enumerate(gain[:10]))
        best = sorted(gain, reverse=True)[:10]
        gains.append(dcg / sum(one / np.log2(place + 2) for place, one in enumerate(best)))
        errors += [abs(int(line["grade"]) - pairs[line["achievement"]]) for line in lines]
        good = {one for one, grade in pairs.items() if grade >= 3}
        ids = [line["achievement"] for line in lists[demand, "found"]]
        assert len(ids) <= 200
        found, relevant = found + len(good & set(ids)), relevant + len(good)
        firsts.append(ids[0] in good)
    metrics = {name: report["metrics"][name]["value"] for name in METRICS}
    assert metrics["ndcg_at_10"] == pytest.approx(np.mean(gains), abs=1e-3)
    assert metrics["grading_score"] == pytest.approx(1 / (1 + np.mean(errors)), abs=1e-3)
    assert metrics["recall_at_200"] == pytest.approx(found / relevant, abs=1e-3)
    assert metrics["success_at_1"] == pytest.approx(np.mean(firsts), abs=1e-3)


def test_training_is_reproducible_and_says_what_it_was_trained_on(
    folder: Path, tmp_path: Path
) -> None:
    files = [tmp_path / "one.json", tmp_path / "two.json"]
    for path in files:
        done = run("train", str(folder), "--out", str(path))
        assert done.returncode == 0, done.stderr
    assert files[0].read_bytes() == files[1].read_bytes()
    trained = json.loads(files[0].read_text(encoding="utf-8"))
    assert trained["trained_on"]["pairs"] == len(list(grades()))
    assert trained["trained_on"]["folders"] == [folder.name]
    assert trained["figures"]["full"]["ndcg_at_10"] > 0.8


def test_shipped_weights_warn_on_demands_that_they_were_trained_on(
    shared: Path, tmp_path: Path
) -> None:
    count = 140 if os.environ.get("KCT_TEST_LONG") else 15  # of 30 achievements each, to embed
    names = ("demands.jsonl", "achievements.jsonl", "qrels.tsv")
    demands, achievements, pairs = (
        (shared / "benchmark" / "demand-achievement" / name).read_text("utf-8").splitlines()
        for name in names
    )
    demands = demands[:count]
    chosen = {json.loads(line)["id"] for line in demands}
    pairs = [line for line in pairs if line.split("\t")[0] in chosen]
    graded = {line.split("\t")[1] for line in pairs}
    achievements = [line for line in achievements if json.loads(line)["id"] in graded]
    for name, lines in zip(names, (demands, achievements, pairs), strict=True):
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    done = run("evaluate", str(tmp_path), "--json")
    assert done.returncode == 0, done.stderr
    assert f"trained on {count} of these demands" in done.stderr
    report = json.loads(done.stdout)
    assert report["differences"]["bm25"]["ndcg_at_10"]["low"] > 0


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("qrels.tsv", "d0001\ta0001\t5\n", "qrels.tsv line 1"),
        ("qrels.tsv", "d0001\tnone\t3\n", "qrels.tsv line 1"),
        ("demands.jsonl", '{"id": "d1"}\n', "demands.jsonl line 1"),
        ("achievements.jsonl", "nonsense", "achievements.jsonl line 1"),
    ],
)
def test_a_folder_that_is_wrong_is_told_by_file_and_line(
    folder: Path, tmp_path: Path, name: str, content: str, told: str
) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / name).write_text(content, encoding="utf-8")
    done = run("evaluate", str(tmp_path), "--json")
    assert done.returncode == 1
    assert done.stdout == ""
    assert told in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_measures_on_worked_examples() -> None:
    assert ndcg([4, 3, 2, 1], 10) == 1
    # Gains 0, 7: discounted at rank 2 by log2(3).
    assert ndcg([1, 4], 10) == pytest.approx(1 / np.log2(3))
    assert auc([4, 1, 3, 2]) == pytest.approx(3 / 4)
    assert auc([3, 4]) is None
    estimate = bootstrap(50, lambda drawn: float(np.arange(50)[drawn].mean()))
    assert estimate is not None
    assert estimate.low < estimate.value == 24.5 < estimate.high


def test_bm25_on_a_worked_example() -> None:
    scores = Bm25(["alpha beta", "beta", "gamma"]).scores("alpha")
    # idf ln(1 + 2.5/1.5); tf 1, length 2 against a mean of 4/3, k1 1.2, b 0.75.
    expected = np.log(1 + 2.5 / 1.5) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * 1.5))
    assert scores == pytest.approx([expected, 0, 0])
