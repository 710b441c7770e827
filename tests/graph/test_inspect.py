"""`fleetwin inspect` end to end on the hand-written fleet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from twin.files.fleet import write_fleet
from twin.model.fleet import Fleet
from twin.model.protection import TripCurve


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
        (("--site", "ams"), "--site chooses what --stranded shows"),
        (("--stranded", "--site", "amss"), "did you mean 'ams'?"),
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


def test_stranded_power_per_domain_with_its_reasons(cli: Callable[..., Any], path: Path) -> None:
    found = json.loads(cli("inspect", path, "--stranded", "--site", "ams", "--json").out)["stranded"]
    assert {row["site"] for row in found["domains"]} == {"ams"} and "nameplate" in found["assumed"]
    for row in found["domains"]:
        assert row["stranded_va"] == pytest.approx(row["headroom_va"] - row["usable_va"])
        assert row["stranded_va"] == pytest.approx(sum(va for _, va in row["reasons"]), rel=1e-4)
    # At nameplate 10 of 16 kW (power factor 0.97) and all cooling (COP 4.5, 0.9) are on panel a; without b everything is.
    panel = next(row for row in found["domains"] if row["name"] == "ams-panel-a")
    cooling_va = 16e3 / 4.5 / 0.9
    assert panel["oversubscription"] == pytest.approx((10e3 / 0.97 + cooling_va) / 20e3)
    assert panel["oversubscription_after_loss"] == pytest.approx((16e3 / 0.97 + cooling_va) / 20e3)
    code, out, err = cli("inspect", path, "--stranded")
    assert (code, err) == (0, "")
    assert "Stranded power: headroom that no more servers can use" in out
    assert "reserve for the loss of a unit" in " ".join(out.split())


def test_breakers_that_are_not_selective_are_sentences(
    cli: Callable[..., Any], path: Path, two_sites: Fleet, tmp_path: Path
) -> None:
    assert "no breaker may open before the ones below it" in cli("inspect", path, "--coordination").out
    curve = TripCurve(name="relay", kind="relay", shape="very-inverse", time_dial=1.0)
    units = tuple(
        unit.model_copy(update={"trip": "relay"})
        if unit.name in ("ams-ats", "ams-ups-a", "ams-panel-a")
        else unit
        for unit in two_sites.power_units
    )
    units = tuple(
        unit.model_copy(update={"rated_va": 2e4}) if unit.name == "ams-ats" else unit for unit in units
    )
    alike = two_sites.model_copy(update={"power_units": units, "trip_curves": (curve,)})
    write_fleet(alike, tmp_path / "alike.yaml")
    code, out, _ = cli("inspect", tmp_path / "alike.yaml", "--coordination")
    assert code == 0
    assert "ams-ats may open before ams-panel-a: at 1 times the rating" in " ".join(out.split())
    (pair,) = json.loads(cli("inspect", tmp_path / "alike.yaml", "--coordination", "--json").out)[
        "coordination"
    ]
    assert (pair["unit"], pair["feeder"]) == ("ams-panel-a", "ams-ats")
    assert pair["feeder_s"] <= pair["unit_s"]
