"""``fleetwin explain`` and ``fleetwin draw`` as a person calls them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from reports.jsonout import render_json
from scenarios.fleets.example import example_fleet
from twin.files.fleet import write_fleet
from twin.records.verdict import Verdict

Cli = Callable[..., Any]


@pytest.fixture
def verdict_file(failed: Verdict, tmp_path: Path) -> Path:
    path = tmp_path / "verdict.json"
    path.write_text(render_json(failed), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def fleet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fleet") / "fleet.yaml"
    write_fleet(example_fleet(), path)
    return path


class TestExplain:
    def test_without_a_gate_it_explains_what_failed(self, cli: Cli, verdict_file: Path) -> None:
        found = cli("explain", verdict_file)
        assert found.code == 0
        for said in (
            "Why breakers failed",
            "UPS ams1-ups-1 is lost",
            "timeline",
            "violation  ·",
            "demands     overloads none new",
        ):
            assert said in found.out
        assert "Why energy" not in found.out
        assert "fleetwin replay" in found.out and "VERDICT.json" not in found.out

    def test_a_gate_that_passed_is_explained_too(self, cli: Cli, verdict_file: Path) -> None:
        found = cli("explain", verdict_file, "latency")
        assert "Why latency passed" in found.out and "effects from +0.42 ms on" in found.out

    def test_a_passed_verdict_explains_all(self, cli: Cli, passed: Verdict, tmp_path: Path) -> None:
        path = tmp_path / "v.json"
        path.write_text(render_json(passed))
        assert cli("explain", path).out.count("passed") == 3

    def test_the_picture_is_drawn(self, cli: Cli, verdict_file: Path, tmp_path: Path) -> None:
        assert cli("explain", verdict_file, "-o", tmp_path / "why.svg").code == 0
        assert ET.parse(tmp_path / "why.svg").getroot().tag.endswith("svg")

    def test_json(self, cli: Cli, verdict_file: Path) -> None:
        rows = json.loads(cli("explain", verdict_file, "--json").out)
        assert [row["id"] for row in rows] == ["breakers"]
        assert rows[0]["counter_example"]["member"].startswith("UPS ams1-ups-1")

    def test_wrong_names_and_files_are_usage_errors(
        self, cli: Cli, verdict_file: Path, tmp_path: Path
    ) -> None:
        assert "did you mean 'latency'?" in cli("explain", verdict_file, "latencyy").err
        nothing = cli("explain", verdict_file, "latency", "-o", tmp_path / "x.svg")
        assert nothing.code == 2 and "nothing to draw" in nothing.err
        (tmp_path / "no.json").write_text("{}")
        broken = cli("explain", tmp_path / "no.json")
        assert broken.code == 2 and "is not a verdict" in broken.err
        assert cli("explain", tmp_path / "none.json").code == 2
        assert cli("explain", verdict_file, "-o", "x.pdf").code == 2


class TestDraw:
    @pytest.mark.parametrize(
        "words",
        [
            ("power", "ams1"),
            ("power", "ams1-out-1", "--color", "blast", "--of", "ams1-msb-1"),
            ("network",),
            ("network", "ams1", "--color", "none"),
            ("service", "web"),
        ],
        ids=" ".join,
    )
    def test_a_picture_is_written(
        self, cli: Cli, fleet_file: Path, tmp_path: Path, words: tuple[str, ...]
    ) -> None:
        path = tmp_path / "x.svg"
        found = cli("draw", fleet_file, *words, "-o", path)
        assert found.code == 0, found.err
        assert ET.parse(path).getroot().tag.endswith("svg")
        assert list(tmp_path.iterdir()) == [path], "nothing half-written is left behind"

    def test_a_png_is_a_png(self, cli: Cli, fleet_file: Path, tmp_path: Path) -> None:
        assert cli("draw", fleet_file, "service", "web", "-o", tmp_path / "x.png").code == 0
        assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("power", "ams11"), "did you mean 'ams1'?"),
            (("service", "wbe"), "did you mean 'web'?"),
            (("power", "--color", "blast"), "belong together"),
            (("power", "--of", "ams1"), "belong together"),
            (("power", "--color", "blast", "--of", "ams9"), "ams1"),
        ],
        ids=str,
    )
    def test_nonsense_is_a_usage_error(
        self, cli: Cli, fleet_file: Path, tmp_path: Path, words: tuple[str, ...], told: str
    ) -> None:
        found = cli("draw", fleet_file, *words, "-o", tmp_path / "x.svg")
        assert found.code == 2
        assert told in found.err
        assert list(tmp_path.iterdir()) == []

    def test_an_unknown_format_is_refused_before_the_work(self, cli: Cli, tmp_path: Path) -> None:
        found = cli("draw", tmp_path / "none.yaml", "power", "-o", tmp_path / "x.gif")
        assert found.code == 2 and ".svg or .png" in found.err
