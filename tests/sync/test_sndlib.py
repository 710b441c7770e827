"""SNDlib: published counts, units and capacities, and every problem of a bad file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from twin.model.checks import check_fleet
from twin.model.errors import TraceError, UsageError
from twin.model.fleet import Fleet
from twin.sync.options import Options
from twin.sync.sndlib import import_sndlib

SMALL = Path(__file__).parent / "data" / "sndlib"


def backbone(fleet: Fleet) -> dict[str, float]:
    """Capacity in Mbit/s of the links between sites."""
    site = {switch.name: switch.site for switch in fleet.switches}
    return {link.name: link.capacity_bps / 1e6 for link in fleet.links if site[link.a] != site[link.b]}


def test_a_small_network_is_imported() -> None:
    imported = import_sndlib(SMALL / "tiny.json", Options())
    fleet, account = imported.fleet, imported.account
    assert [site.name for site in fleet.sites] == ["Berlin", "Munchen", "Koln-West", "Hamburg"]
    assert backbone(fleet) == {
        "Berlin--Munchen": 1000,
        "Koln-West--Munchen": 622,
        "Berlin--Koln-West": 2500,
        "Berlin--Koln-West-2": 2500,
        "Berlin--Hamburg": 10_000,
    }
    assert account.total("dropped", "links") == 2
    assert account.total("inferred", "capacities") == 1
    assert account.total("read", "links") == 7 == len(backbone(fleet)) + account.total("dropped", "links")
    assert check_fleet(fleet) == []
    shared = [link.srlg for link in fleet.links if "Koln" in link.name and "Berlin" in link.name]
    assert shared == [("duct-Berlin--Koln-West",)] * 2


def test_traffic_is_conserved_as_requests_of_a_megabit() -> None:
    imported = import_sndlib(SMALL, Options(network="tiny"))
    rates = {(row.region, row.service): row.rate_per_s for row in imported.fleet.demand}
    assert rates == {
        ("Berlin-users", "to-Munchen"): pytest.approx(150),
        ("Munchen-users", "to-Hamburg"): pytest.approx(30),
    }
    assert all(service.request_bytes * 8 == 1e6 for service in imported.fleet.services)
    assert imported.account.total("dropped", "demands") == 2


def test_demands_that_do_not_fit_are_scaled_unless_told_otherwise(tmp_path: Path) -> None:
    document = json.loads((SMALL / "tiny.json").read_text())
    document["demands"][0]["demand_value"] = 3950.0
    (tmp_path / "big.json").write_text(json.dumps(document))
    scaled = import_sndlib(tmp_path / "big.json", Options())
    assert scaled.account.total("inferred", "is the factor on all demands") == pytest.approx(0.5 / 4.0)
    rates = {row.service: row.rate_per_s for row in scaled.fleet.demand}
    assert rates["to-Munchen"] == pytest.approx(500)
    kept = import_sndlib(tmp_path / "big.json", Options(scale=1.0))
    assert {row.service: row.rate_per_s for row in kept.fleet.demand}["to-Munchen"] == pytest.approx(4000)
    assert kept.account.total("inferred", "x its capacity: the fullest link") == pytest.approx(4.0)


def test_another_unit_may_be_chosen() -> None:
    fleet = import_sndlib(SMALL / "tiny.json", Options(unit="Gbit/s")).fleet
    assert backbone(fleet)["Berlin--Munchen"] == 1e6
    with pytest.raises(UsageError, match="is not one of"):
        import_sndlib(SMALL / "tiny.json", Options(unit="furlongs"))


def test_a_folder_wants_a_name() -> None:
    with pytest.raises(UsageError, match="name one with --network"):
        import_sndlib(SMALL, Options())
    with pytest.raises(UsageError, match="did you mean 'tiny'"):
        import_sndlib(SMALL, Options(network="tinny"))


def test_every_problem_of_a_bad_file_is_named(tmp_path: Path) -> None:
    document = {
        "nodes": [
            {"id": "a", "longitude": 1, "latitude": 2},
            {"id": "a", "longitude": "x", "latitude": 2},
            {"longitude": 1},
        ],
        "links": [
            {"id": "L", "source": "a", "target": "b", "pre_installed_capacity": -1},
            {"id": "M", "source": "a", "target": "a", "modules": [{"module_capacity": float("nan")}]},
            7,
        ],
        "demands": [{"source": "a", "target": "zz", "demand_value": None}],
    }
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(document))
    with pytest.raises(TraceError) as caught:
        import_sndlib(path, Options())
    assert [str(problem).replace(f"{path}", "bad.json") for problem in caught.value.problems] == [
        "bad.json: nodes[1] a longitude: 'x' is not a number",
        "bad.json: nodes[2] id: is empty",
        "bad.json: nodes[2] latitude: is empty",
        "bad.json: links: a list of groups of keys is expected",
        "bad.json: demands[0] demand_value: is empty",
        "bad.json: links[1]: modules[0] module_capacity: 'nan' is not a number that can be used",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no JSON: Expecting value"),
        ("[1]", "there are no nodes"),
        ('{"nodes": []}', "there are no nodes"),
        ('{\n"nodes": [', "is no JSON"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_is_no_network_says_why(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(TraceError, match=said):
        import_sndlib(tmp_path / "x.json", Options())


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "nodes", "links"),
    [("abilene", 12, 15), ("germany50", 50, 88), ("janos-us", 26, 42), ("zib54", 54, 81), ("ta1", 24, 55)],
)
def test_real_networks_have_their_published_counts(data_dir: Path, name: str, nodes: int, links: int) -> None:
    imported = import_sndlib(data_dir / "sndlib", Options(network=name))
    assert (len(imported.fleet.sites), len(backbone(imported.fleet))) == (nodes, links)
    assert check_fleet(imported.fleet) == []
