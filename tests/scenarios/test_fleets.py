"""The example fleet and generated ones: sound, exactly as large as asked, and with room for any single loss."""

from datetime import UTC, datetime

import numpy as np
import pytest

from scenarios.fleets.example import example_fleet
from scenarios.fleets.parts import TYPES, fibre_s, standard_size
from scenarios.fleets.workload import capacity_rru, need_rru
from scenarios.generate import Size, generate
from twin.graph.compile import compile_fleet
from twin.model.change import Change
from twin.model.checks import check_fleet
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.sim.engine import Engine

START = datetime(2026, 11, 24, tzinfo=UTC)
HOURS = range(0, 24, 4)


@pytest.fixture(scope="module")
def example() -> Fleet:
    return example_fleet()


def peaks(fleet: Fleet, *lost: str) -> dict[str, float]:
    """Return the largest share of its rating that each unit carries on the peak over a day."""
    compiled = compile_fleet(fleet, start=START)
    engine = Engine(compiled)
    for name in lost:
        engine.state.apply(Change("state", name, -1.0))
    worst = np.zeros(len(compiled.names["power_units"]))
    for hour in HOURS:
        engine.state.demand_due = True
        engine.settle(hour * 3600.0)
        worst = np.maximum(worst, engine.unit_peak_va / compiled.power.limit_va)
        assert engine.flows is not None
        assert engine.flows.errors.sum() == 0.0
        assert engine.cooling_short_w.max() == 0.0
        assert (engine.p99_s <= compiled.services.slo_p99_s).all()
        assert (engine.link_load <= compiled.network.link_capacity_bps).all()
    return dict(zip(compiled.names["power_units"], worst.tolist(), strict=True))


def test_the_example_is_what_the_documentation_says(example: Fleet) -> None:
    assert check_fleet(example) == []
    counts = {
        kind: len(example.rows(kind)) for kind in ("regions", "sites", "server_types", "services", "storage")
    }
    assert counts == {"regions": 3, "sites": 5, "server_types": 4, "services": 13, "storage": 2}
    assert sum(group.count for group in example.server_groups) == 4246
    assert {unit.kind for unit in example.power_units} == {
        "utility",
        "generator",
        "ats",
        "switchboard",
        "ups",
        "panel",
    }
    assert {len(rack.fed_by) for rack in example.racks} == {1, 2}
    assert {switch.tier for switch in example.switches} == {"tor", "fabric", "border"}
    assert all(kind.curve for kind in example.server_types)
    assert any(row.growth_per_year > 0 for row in example.demand)
    assert {f"ams1-b{number:02d}" for number in range(1, 5)} <= set(example.things)
    assert {"ams1-msb-1", "ams1-msb-2"} <= set(example.things)


def test_the_example_says_where_its_measured_values_come_from(example: Fleet) -> None:
    curves = {
        kind.name: example.provenance_of("server_types", kind, "curve") for kind in example.server_types
    }
    assert set(curves.values()) == {"measured"}
    assert all(note.source for note in example.provenance)
    gpu = example.server_types[-1]
    assert example.provenance_of("server_types", gpu, "peak_factor") == "measured"
    assert example.provenance_of("server_types", example.server_types[0], "peak_factor") == "assumed"


def test_the_example_runs_below_its_ratings(example: Fleet) -> None:
    worst = peaks(example)
    assert max(worst.values()) < 0.7
    assert 0.25 < max(share for name, share in worst.items() if "-msb-" in name) < 0.5


@pytest.mark.parametrize("path", [1, 2])
def test_the_example_survives_the_loss_of_a_whole_path(example: Fleet, path: int) -> None:
    lost = [unit.name for unit in example.power_units if unit.name.endswith(f"-msb-{path}")]
    assert 0.7 < max(peaks(example, *lost).values()) < 1.0


def test_ams1_has_outgrown_its_ups_modules(example: Fleet) -> None:
    """What the unsafe plan of the demo runs into: one module out, and the other path lost in the evening."""
    units = {unit.name: unit.kind for unit in example.power_units}
    over = {name for name, share in peaks(example, "ams1-ups-2b", "ams1-msb-1").items() if share > 1.0}
    assert over == {"ams1-ups-2a", "ams1-ups-2c"}
    assert {units[name] for name in over} == {"ups"}


@pytest.mark.parametrize("servers", [50, 137, 1000, 20_000])
def test_a_generated_fleet_is_sound_and_as_large_as_asked(servers: int) -> None:
    fleet = generate(servers, seed=3)
    assert check_fleet(fleet) == []
    assert sum(group.count for group in fleet.server_groups) == servers
    capacity, need = (
        capacity_rru(fleet.server_groups, fleet.racks, TYPES),
        need_rru(fleet.services, fleet.deployments),
    )
    assert max(need[key] / capacity[key] for key in need) < 0.9
    assert max(peaks(fleet).values()) < 0.7


def test_a_generated_fleet_survives_the_loss_of_a_path_everywhere() -> None:
    fleet = generate(30_000)
    lost = [unit.name for unit in fleet.power_units if unit.kind == "switchboard" and "-msb-" in unit.name]
    assert max(peaks(fleet, *lost[::2]).values()) < 1.0


def test_seeds_make_fleets() -> None:
    assert generate(500, seed=5) == generate(500, seed=5)
    assert generate(500, seed=5) != generate(500, seed=6)


def test_sizes_follow_the_number_of_servers() -> None:
    assert Size.of(1_000_000) == Size(1_000_000, 60, 12, 300)
    assert Size.of(100_000) == Size(100_000, 20, 10, 50)
    with pytest.raises(UsageError, match="not 10"):
        Size.of(10)


@pytest.mark.slow
def test_a_million_servers() -> None:
    fleet = generate(1_000_000)
    assert check_fleet(fleet) == []
    assert sum(group.count for group in fleet.server_groups) == 1_000_000
    assert 35_000 < len(fleet.server_groups) < 45_000
    assert len(fleet.deployments) == 300 * 60


def test_standard_sizes_are_the_next_larger_of_the_series() -> None:
    assert [standard_size(value) for value in (100.0, 101.0, 0.99, 5.7e5)] == [100.0, 112.0, 1.0, 6.3e5]


def test_fibre_delay_over_a_quarter_of_the_globe() -> None:
    quarter_km = np.pi / 2 * 6371.0
    assert fibre_s((0.0, 0.0), (0.0, 90.0)) == pytest.approx(quarter_km * 1.3 * 4.9e-6, abs=1e-5)
