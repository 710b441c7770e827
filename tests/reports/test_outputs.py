"""``--out``: parsed before, written after, all or nothing."""

import json
from pathlib import Path

import pytest

from reports.outputs import KINDS, parse_outputs, write_outputs
from twin.model.errors import UsageError
from twin.records.verdict import Verdict


def write(path: str, content: str) -> None:
    Path(path).write_text(content, encoding="utf-8")


def test_every_kind_is_written(failed: Verdict, tmp_path: Path) -> None:
    spec = ",".join(f"{kind}={tmp_path / kind}" for kind in KINDS)
    assert write_outputs(failed, spec, write=write) == tuple(str(tmp_path / kind) for kind in KINDS)
    assert json.loads((tmp_path / "json").read_text())["plan"] == "row-b-maintenance"
    assert (tmp_path / "html").read_text().startswith("<!DOCTYPE html>")
    assert (tmp_path / "junit").read_text().startswith("<?xml")


def test_a_dash_is_the_standard_output(failed: Verdict) -> None:
    shown: list[str] = []
    assert write_outputs(failed, "md=-", write=write, show=shown.append) == ()
    assert shown[0].startswith("## ❌ FAIL")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("jsn=a.json", "did you mean 'json'?"),
        ("pdf=a.pdf", "write one of json, junit, sarif, md, html"),
        ("json", "'json' needs a file"),
        ("json=", "'json' needs a file"),
        ("json=a,junit=a", "'a' is named twice"),
        ("md=-,json=-", "'-' is named twice"),
        ("json=nowhere/a.json", "there is no folder 'nowhere'"),
        ("json=.", "'.' is a folder"),
        ("", "there is no report ''"),
        ("json=a,", "there is no report ''"),
    ],
)
def test_nonsense_is_refused_before_the_work(
    spec: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        parse_outputs(spec)
    assert words in str(refused.value)


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(UsageError, match="jsn.*htm"):
        parse_outputs("jsn=a,htm=b")


def test_nothing_is_written_when_a_report_cannot_be(
    failed: Verdict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(verdict: Verdict, context: object) -> str:
        raise RuntimeError("no such luck")

    monkeypatch.setitem(KINDS, "html", broken)
    with pytest.raises(RuntimeError):
        write_outputs(failed, f"json={tmp_path / 'a'},html={tmp_path / 'b'}", write=write)
    assert list(tmp_path.iterdir()) == []
