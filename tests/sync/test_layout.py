"""The layout rule: racks hold what fits, and either path of the power chain carries everything alone."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.model.power import PowerUnit
from twin.model.servers import ServerType
from twin.sync.hardware import GIB, Machine, gpu_power_w, server_type
from twin.sync.layout import RACK_BUDGET_W, RACK_U, TOR_U, TOR_W, Floor, Node, lay_out, racks_and_groups
from twin.sync.options import Options
from twin.sync.plant import LOADED, build_plant, standard_size

TYPES = {
    kind.name: kind
    for kind in (
        server_type("cpu", Machine(64, 256 * GIB, 0, ""), rru=64.0),
        server_type("t4", Machine(96, 384 * GIB, 2, "T4"), rru=2.0),
        server_type("v100", Machine(96, 768 * GIB, 8, "V100M32"), rru=8.0),
    )
}
counts = st.fixed_dictionaries({name: st.integers(0, 60) for name in TYPES}).filter(
    lambda n: sum(n.values()) > 0
)


def floor_of(counts: dict[str, int], options: Options = Options()) -> Floor:  # noqa: B008 - frozen
    nodes = [Node(f"{name}-{i}", name, f"gpu-{name}") for name, count in counts.items() for i in range(count)]
    return lay_out("dc", reversed(nodes), TYPES, options)


@given(counts, st.integers(1, 20), st.one_of(st.none(), st.integers(1, 9)))
def test_every_node_stands_once_in_a_rack_that_can_hold_it(
    counts: dict[str, int], per_row: int, per_rack: int | None
) -> None:
    floor = floor_of(counts, Options(racks_per_row=per_row, servers_per_rack=per_rack))
    placed = [node.name for rack in floor.racks for node in rack.nodes]
    assert len(placed) == len(set(placed)) == sum(counts.values())
    for rack in floor.racks:
        kinds = [TYPES[node.type] for node in rack.nodes]
        assert len({node.owner for node in rack.nodes}) == 1
        assert sum(kind.height_u for kind in kinds) <= RACK_U - TOR_U
        assert sum(kind.max_w or 0 for kind in kinds) + TOR_W <= RACK_BUDGET_W
        assert len(rack.nodes) <= (per_rack or 100)
    assert max(len(floor.in_row(row)) for row in floor.rows) <= per_row
    _, groups = racks_and_groups(floor, build_plant(floor).feeds)
    assert sum(group.count for group in groups) == sum(counts.values())


def test_nodes_are_packed_in_the_order_of_owner_and_name() -> None:
    floor = floor_of({"v100": 12, "cpu": 2, "t4": 0})
    names = [[node.name for node in rack.nodes] for rack in floor.racks]
    # Four servers of 3.3 kW keep a 16 kW rack within its budget, and v100-10 comes after v100-9.
    assert names == [
        ["cpu-0", "cpu-1"],
        [f"v100-{i}" for i in range(4)],
        [f"v100-{i}" for i in range(4, 8)],
        [f"v100-{i}" for i in range(8, 12)],
    ]
    assert [rack.name for rack in floor.racks] == ["dc-r01-01", "dc-r01-02", "dc-r01-03", "dc-r01-04"]


@given(counts)
def test_either_path_alone_is_within_its_margin_at_nameplate(counts: dict[str, int]) -> None:
    floor = floor_of(counts, Options(racks_per_row=3))
    plant = build_plant(floor)
    units = {unit.name: unit for unit in plant.units}
    for side in "ab":
        load_va: defaultdict[str, float] = defaultdict(float)
        for rack in floor.racks:
            kinds: list[ServerType] = [TYPES[node.type] for node in rack.nodes]
            peak_va = TOR_W + sum((kind.max_w or 0) * kind.peak_factor / kind.power_factor for kind in kinds)
            unit: PowerUnit | None = units[
                next(name for name in plant.feeds[rack.row] if name.endswith(side))
            ]
            while unit is not None and unit.kind != "switchboard":
                load_va[unit.name] += peak_va
                unit = units[unit.fed_by[0]] if unit.fed_by else None
        for name, va in load_va.items():
            assert va <= LOADED * units[name].rated_va * (1 + 1e-9)


def test_each_row_has_two_paths_that_meet_only_at_the_utility() -> None:
    floor = floor_of({"v100": 600, "cpu": 0, "t4": 0})
    plant = build_plant(floor)
    units = {unit.name: unit for unit in plant.units}

    def above(name: str) -> set[str]:
        return {name}.union(*(above(feed) for feed in units[name].fed_by))

    assert len(floor.blocks) > 1
    for a, b in plant.feeds.values():
        assert above(a) & above(b) == {"dc-utility"}


def test_cooling_removes_all_heat_without_its_largest_plant() -> None:
    floor = floor_of({"v100": 500, "cpu": 100, "t4": 100})
    heat_w = sum(rack.max_w for rack in floor.racks)
    rated = [plant.rated_heat_w for plant in build_plant(floor).plants]
    assert sum(rated) - max(rated) >= heat_w
    assert len(rated) == 3


@pytest.mark.parametrize(
    ("needed", "size"), [(1.0, 1.0), (1.01, 1.25), (6.4e5, 8e5), (8.1e5, 1e6), (3e6, 3.15e6), (999.0, 1000.0)]
)
def test_standard_sizes_are_the_next_of_the_r10_series(needed: float, size: float) -> None:
    assert standard_size(needed) == pytest.approx(size)


def test_a_server_of_8_a100_draws_what_such_servers_were_measured_to_draw() -> None:
    kind = server_type("a100", Machine(128, 1024 * GIB, 8, "A100-SXM4-80GB"), rru=8.0)
    # Acme, 8 x A100: p5 1 512 W, p75 4 284 W, p95 5 040 W, median of idle GPUs 62 W.
    assert 700 < (kind.idle_w or 0) < 1512
    assert 4284 < (kind.max_w or 0) < 5040


def test_an_unknown_gpu_gets_the_placeholder() -> None:
    assert gpu_power_w("GPU-series-1") == gpu_power_w("G2") == (25.0, 250.0)
    assert gpu_power_w("A10") == (30.0, 150.0)
