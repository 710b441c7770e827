"""Rebuilding: times by hand, bytes that are kept, storms of many racks at once, and drill-like variants that heal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.sim.fleets import START
from tests.sim.movers.busy import Sample, at, look
from tests.sim.movers.busy import play as play_all
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.sim.engine import Engine
from twin.sim.measure import measure
from twin.sim.movers.rebuild import Rebuild
from twin.sim.run import simulate

TB, GBIT = 1e12, 1e9
RACKS = 10
# 30 TB in two copies on ten racks: 6 TB on each. Nine racks that give 8 Gbit/s write 9 GB/s: 6 TB take 666.7 s.
SIZE, EACH, WAIT_S = 30 * TB, 6 * TB, 600.0
ALL_S = EACH / 9e9
KEPT = {"parts": 2, "bytes_stored": SIZE, "rebuild_bps": 8 * GBIT, "rebuild_wait_s": WAIT_S}


def fleet(**storage: Any) -> Fleet:
    """Ten racks, each with a power unit and a switch of its own."""
    names = [f"r{i}" for i in range(RACKS)]
    return Fleet.model_validate(
        {
            "fleet": "stored",
            "regions": [{"name": "x"}],
            "sites": [{"name": "s", "region": "x"}],
            "power_units": [
                {"name": f"u-{n}", "kind": "utility", "site": "s", "rated_va": 1e6} for n in names
            ],
            "switches": [
                {"name": "edge", "site": "s", "tier": "border", "capacity_bps": 1e12},
                *({"name": f"t-{n}", "site": "s", "tier": "tor", "capacity_bps": 1e12} for n in names),
            ],
            "links": [{"name": f"l-{n}", "a": f"t-{n}", "b": "edge", "capacity_bps": 1e12} for n in names],
            "racks": [
                {"name": n, "site": "s", "row": "a", "fed_by": [f"u-{n}"], "switches": [f"t-{n}"]}
                for n in names
            ],
            "server_types": [{"name": "t", "cores": 1, "idle_w": 1.0, "max_w": 2.0}],
            "reservations": [{"name": "o"}],
            "server_groups": [{"name": "g", "rack": "r0", "type": "t", "owner": "o", "count": 1}],
            "storage": [{"name": "data", "racks": names, "quorum": 1, **KEPT, **storage}],
        }
    )


def play(fleet: Fleet, world: list[tuple[float, Change]]) -> list[Sample]:
    """Play 9000 s and look before the first wait is over, and at the end."""
    return play_all(fleet, [*world, *look(500.0, 8999.0)], 9000.0, seen)[1]


def seen(engine: Engine) -> tuple[float, float, str]:
    """Bytes at risk, bytes rebuilt, and the state."""
    (mover,) = engine.movers
    assert isinstance(mover, Rebuild)
    (one,) = mover.sets
    return one.at_risk_bytes, one.rebuilt_bytes, one.state


def dies(rack: int, at_s: float, back_s: float | None = None) -> list[tuple[float, Change]]:
    found = [(at_s, Change("state", f"u-r{rack}", -1.0))]
    return found if back_s is None else [*found, (back_s, Change("state", f"u-r{rack}", 1.0))]


def cut(racks: Sequence[int], at_s: float, back_s: float) -> list[tuple[float, Change]]:
    return [
        (when, Change("state", f"l-r{rack}", step))
        for when, step in ((at_s, -1.0), (back_s, 1.0))
        for rack in racks
    ]


def history(samples: Sequence[Sample]) -> list[tuple[float, str]]:
    """(time, state) at each change of state."""
    found = [(0.0, "whole")]
    for now, (_, _, state) in samples:
        if state != found[-1][1]:
            found.append((now, state))
    return found


def test_a_dead_rack_is_rebuilt_after_the_wait() -> None:
    samples = play(fleet(), dies(3, 100.0))
    assert history(samples) == [
        (0.0, "whole"),
        (700.0, "rebuilding"),
        (pytest.approx(700.0 + ALL_S), "whole"),
    ]
    assert at(samples, 500.0)[0] == pytest.approx(
        0.2 * SIZE
    )  # two of ten copies of an object: a fifth touches the rack
    assert at(samples, 9000.0) == (0.0, pytest.approx(EACH), "whole")


def test_one_that_is_back_in_time_costs_nothing() -> None:
    samples = play(fleet(), dies(3, 100.0, 699.0))
    assert history(samples) == [(0.0, "whole")]
    assert at(samples, 9000.0) == (0.0, 0.0, "whole")


def test_one_that_is_back_midway_needs_no_more() -> None:
    samples = play(fleet(), dies(3, 100.0, 1000.0))
    assert history(samples)[-1] == (1000.0, "whole")
    assert at(samples, 9000.0) == (0.0, pytest.approx(300 * 9e9), "whole")


def test_two_racks_share_what_the_others_give() -> None:
    """Both begin at once: 12 TB at 8 GB/s."""
    samples = play(fleet(), [*dies(3, 100.0), *dies(4, 100.0)])
    assert history(samples)[1:] == [(700.0, "rebuilding"), (pytest.approx(700 + 2 * EACH / 8e9), "whole")]
    assert at(samples, 500.0)[0] == pytest.approx((1 - 8 * 7 / (10 * 9)) * SIZE)


def test_a_code_writes_less_than_copies_and_more_objects_are_touched() -> None:
    samples = play(fleet(parts=9, needed=6), dies(3, 100.0))
    assert at(samples, 500.0)[0] == pytest.approx(0.9 * SIZE)
    assert at(samples, 9000.0)[1] == pytest.approx(SIZE * 9 / 6 / RACKS)


def test_without_space_the_rest_is_stuck() -> None:
    """Nine tenths of 4 TB are free on the racks that remain."""
    samples = play(fleet(spare_bytes=4 * TB), dies(3, 100.0))
    assert history(samples)[1:] == [(700.0, "rebuilding"), (pytest.approx(700 + 3.6 * TB / 9e9), "stuck")]
    left, done, _ = at(samples, 9000.0)
    assert done == pytest.approx(3.6 * TB)
    assert left == pytest.approx(0.2 * SIZE * (1 - 3.6 / 6))


STORM = {"rebuild_by": "peers", "rebuild_wait_s": 60.0, "spare_bytes": 6 * TB}  # 10 % of all the disks


def test_the_storm_comes_with_the_reconnection_and_fills_the_space() -> None:
    """Three racks are cut off for ten minutes; each has decided alone that its mates are lost."""
    samples = play(fleet(**STORM), cut([1, 2, 3], 100.0, 700.0))
    assert history(samples) == [
        (0.0, "whole"),
        (700.0, "rebuilding"),
        (pytest.approx(700.0 + 6 * TB / 10e9), "stuck"),
    ]
    assert at(samples, 9000.0)[1] == pytest.approx(6 * TB)


@pytest.mark.parametrize("mended", [{"rebuild_wait_s": 900.0}, {"spare_bytes": 20 * TB}])
def test_what_would_have_saved_it(mended: dict[str, float]) -> None:
    """A wait longer than the cut: nothing happens at all. Room for what was cut off: it heals."""
    samples = play(fleet(**{**STORM, **mended}), cut([1, 2, 3], 100.0, 700.0))
    assert at(samples, 9000.0)[0] == 0.0
    assert history(samples)[-1][1] == "whole"
    assert (at(samples, 9000.0)[1] == 0.0) == ("rebuild_wait_s" in mended)


def test_a_manager_rebuilds_while_racks_are_cut_off() -> None:
    samples = play(fleet(rebuild_wait_s=60.0), cut([1], 100.0, 1500.0))
    assert history(samples) == [(0.0, "whole"), (160.0, "rebuilding"), (pytest.approx(160 + ALL_S), "whole")]


def test_without_the_law_nothing_is_counted() -> None:
    run, samples = play_all(fleet(), dies(3, 100.0), 4000.0, lambda engine: len(engine.movers), ["rebuild"])
    assert at(samples, 4000.0) == 0
    assert run.events == 1


@pytest.mark.parametrize(
    ("where", "at_risk", "written"),
    [({}, 0.2 * SIZE, EACH), ({"storage": "da*"}, 0.2 * SIZE, EACH), ({"storage": "other"}, 0.0, 0.0)],
)
def test_a_gate_can_ask_for_it(where: dict[str, str], at_risk: float, written: float) -> None:
    compiled = compile_fleet(fleet(), start=START)
    run = simulate(
        compiled, (), [TimedChange(at_s, c, "world:test") for at_s, c in dies(3, 100.0)], until_s=4000.0
    )
    assert measure(compiled, run, "data_at_risk_bytes", where) == pytest.approx(at_risk)
    assert measure(compiled, run, "rebuilt_bytes", where) == pytest.approx(written)
