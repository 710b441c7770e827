"""Topology Zoo: published counts, twins, unknown places, and truncated files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from twin.model.checks import check_fleet
from twin.model.errors import TraceError, UsageError
from twin.sync.options import Options
from twin.sync.topologyzoo import import_topologyzoo

SMALL = Path(__file__).parent / "data" / "topologyzoo"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "zoo"))


def test_a_small_network_is_imported() -> None:
    imported = import_topologyzoo(SMALL, Options(network="Tiny"))
    fleet, account = imported.fleet, imported.account
    assert [site.name for site in fleet.sites] == ["0_London", "1_London", "New_York", "Nowhere"]
    assert [site.latitude for site in fleet.sites] == [51.50853, 51.50853, 40.71427, None]
    links = {
        link.name: (link.capacity_bps / 1e3, link.latency_s) for link in fleet.links if "--" in link.name
    }
    assert links == {
        "0_London--1_London": (10_000_000, pytest.approx(100e-6)),
        "0_London--New_York": (622_080, pytest.approx(0.028)),
        "0_London--New_York-2": (2_488_320, pytest.approx(0.030)),
        "1_London--New_York": (2_488_320, pytest.approx(0.0275)),
        "New_York--Nowhere": (1_000_000, pytest.approx(500e-6)),
    }
    assert account.total("inferred", "of them with the weaker of two directions") == 1
    rates = {(row.region, row.service): row.rate_per_s for row in fleet.demand}
    assert rates[("0_London-users", "to-New_York")] == pytest.approx(193.388)
    assert len(rates) == 3
    assert check_fleet(fleet) == []


def test_a_network_without_demands_is_a_fleet_without_services(folder: Path) -> None:
    (folder / "Tiny.0000.demands").unlink()
    imported = import_topologyzoo(folder / "Tiny.graph", Options())
    assert imported.fleet.services == ()
    assert check_fleet(imported.fleet) == []


def test_a_folder_wants_a_name() -> None:
    with pytest.raises(UsageError, match="name one with --network"):
        import_topologyzoo(SMALL, Options())
    with pytest.raises(UsageError, match="there is no network 'Abilene'"):
        import_topologyzoo(SMALL, Options(network="Abilene"))


def test_every_problem_of_both_files_is_named(folder: Path) -> None:
    graph = (folder / "Tiny.graph").read_text()
    graph = graph.replace("edge_0 0 1 1 10000000 100", "edge_0 0 9 1 10000000 100").replace(
        "edge_9 3 2 1 1000000 500\n", "edge_9 3 2\n"
    )
    (folder / "Tiny.graph").write_text(graph.replace("1_London -0.12574", "1_London NaN"))
    demands = (folder / "Tiny.0000.demands").read_text()
    (folder / "Tiny.0000.demands").write_text(
        demands.replace("demand_3 3 3 1000\n", "demand_2b 0 1 -5\n").replace("DEMANDS 4", "DEMANDS 9")
    )
    with pytest.raises(TraceError) as caught:
        import_topologyzoo(folder, Options(network="Tiny"))
    assert [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems] == [
        "Tiny.graph:4 x: 'NaN' is not a number that can be used",
        "Tiny.graph:19: has 3 words, its header 6",
        "Tiny.0000.demands:6 bw: '-5' is negative",
        "Tiny.0000.demands: announces 9 DEMANDS and has 4 (is it truncated?)",
        "Tiny.graph:10 dest: there is no node 9 (nodes are numbered 0 to 3)",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "there is no section NODES"),
        ("NODES 1\nlabel x y\na 1 2\n", "there is no section EDGES"),
        ("hello world\n", "starts with 'hello'"),
        ("NODES 1\nlabel lon y\n", "there is no column 'x'"),
        (
            "NODES 2\nlabel x y\na 1 2\nEDGES 0\nlabel src dest weight bw delay\n",
            "announces 2 NODES and has 1",
        ),
    ],
)
def test_a_file_that_is_no_network_says_why(folder: Path, content: str, said: str) -> None:
    (folder / "Tiny.graph").write_text(content)
    with pytest.raises(TraceError, match=said):
        import_topologyzoo(folder / "Tiny.graph", Options())


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "nodes", "links"), [("Abilene", 11, 14), ("AttMpls", 25, 57), ("BtEurope", 24, 37)]
)
def test_real_networks_have_their_published_counts(data_dir: Path, name: str, nodes: int, links: int) -> None:
    imported = import_topologyzoo(data_dir / "repetita-topologyzoo", Options(network=name))
    assert len(imported.fleet.sites) == nodes
    assert len([link for link in imported.fleet.links if "--" in link.name]) == links
    assert check_fleet(imported.fleet) == []
