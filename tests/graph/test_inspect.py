"""`fleetwin inspect` end to end on the hand-written fleet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twin.files.fleet import write_fleet
from twin.model.fleet import Fleet


@pytest.fixture(scope="module")
def path(two_sites: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the fleet to a file."""
    file = tmp_path_factory.mktemp("inspect") / "fleet.yaml"
    write_fleet(two_sites, file)
    return file


def test_the_overview_has_a_table_per_topic(cli: Callable[..., Any], path: Path) -> None:
    code, out, err = cli("inspect", path)
    assert (code, err) == (0, "")
    assert "two-sites: 1 region, 2 sites, 8 racks, 80 servers, 14 power units" in out
    for topic in (
        "Tightest units",
        "whose loss takes most down",
        "Single points of failure",
        "meets upstream",
    ):
        assert topic in out
    assert "ams-ats" in out and "ams-r[1-3]" in out


def test_blast_radius_in_words(cli: Callable[..., Any], path: Path) -> None:
    code, out, _ = cli("inspect", path, "--blast-radius", "ams-panel-a")
    assert code == 0 and "If ams-panel-a is lost" in out
    rows = [" ".join(line.split()) for line in out.splitlines()]
    assert "goes down racks 1 ams-r4" in rows
    assert "loses redundancy power of racks 3 ams-r[1-3]" in rows
    assert "loses redundancy power of cooling plants 1 ams-chiller" in rows
    assert "shop 0 down" in rows and "news 2" not in out


def test_a_loss_without_consequences_says_so(cli: Callable[..., Any], path: Path) -> None:
    assert "nothing else goes down" in cli("inspect", path, "--blast-radius", "ams-fra").out
    assert "every replica still fits" in cli("inspect", path, "--lose", "ams-fra").out


def test_several_things_are_lost_together(cli: Callable[..., Any], path: Path) -> None:
    one = json.loads(cli("inspect", path, "--blast-radius", "fra-panel-[a-b]", "--json").out)
    two = json.loads(
        cli("inspect", path, "--blast-radius", "fra-panel-a", "--blast-radius", "fra-panel-b", "--json").out
    )
    assert one == two and one["blast_radius"]["servers"] == 40


def test_questions_can_be_combined(cli: Callable[..., Any], path: Path) -> None:
    asked = (
        "--single-points",
        "shop",
        "--common-causes",
        "--fit",
        "web-1",
        "--lose",
        "ams-r1",
        "--headroom",
        "--kind",
        "panel",
    )
    found = json.loads(cli("inspect", path, *asked, "--json").out)
    assert set(found) == {"single_points", "common_causes", "fit", "evictions", "headroom"}
    assert found["single_points"]["points"]["racks"] == ["ams-r4"] and found["single_points"]["count"] == 11
    assert found["evictions"][0]["homeless"] == 3
    assert {row["kind"] for row in found["headroom"]} == {"panel"}
    assert (
        found["fit"]["as_loaded"]["sites"][0]["servers"] >= found["fit"]["nameplate"]["sites"][0]["servers"]
    )
    text = cli("inspect", path, *asked).out
    assert "Single points of failure" in text and "How many more servers of type web-1 fit" in text


def test_headroom_after_every_loss_names_the_surviving_panel(cli: Callable[..., Any], path: Path) -> None:
    rows = json.loads(cli("inspect", path, "--headroom", "--kind", "panel", "--json").out)["headroom"]
    now = json.loads(cli("inspect", path, "--headroom", "--no-after-loss", "--kind", "panel", "--json").out)[
        "headroom"
    ]
    assert rows[0]["name"] == "ams-panel-a" and rows[0]["loss"] in ("ams-panel-b", "ams-ups-b")
    assert rows[0]["worst"] > rows[0]["load"] * 1.2
    assert {row["loss"] for row in now} == {""} and rows[0]["load"] in [row["load"] for row in now]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("--blast-radius", "ams-panel-x"), "did you mean 'ams-panel-"),
        (("--single-points", "shopp"), "did you mean 'shop'?"),
        (("--fit", "web-2"), "did you mean 'web-1'?"),
        (("--lose", "zzzzz"), "no thing called 'zzzzz'"),
        (("--kind", "panel"), "--kind chooses what --headroom shows"),
        (("--headroom", "--no-after-loss", "--kind", "panl"), "did you mean 'panel'?"),
        (("--blast-radius", "ams-r[1-"), "opens a bracket"),
    ],
)
def test_what_makes_no_sense_is_refused(
    cli: Callable[..., Any], path: Path, asked: tuple[str, ...], message: str
) -> None:
    code, out, err = cli("inspect", path, *asked)
    assert code == 2 and out == ""
    assert message in " ".join(err.split())
