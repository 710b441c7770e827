"""The coordinator and what moves on its own: exact times, settles between causes, bounded cascades, laws switched off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest

from scenarios.fleets.example import example_fleet
from tests.benchmarks.fleets import bench_fleet, size_of
from tests.evaluate.tiny import tiny_fleet
from tests.sim.fleets import START
from twin.graph.compile import Compiled, compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.errors import NotSettled, UsageError
from twin.sim import movers
from twin.sim.block import Block
from twin.sim.engine import Engine
from twin.sim.narrate import Narrator
from twin.sim.run import Simulator, simulate


@dataclass
class Fuse:
    """A made-up law: `fuse_s` of load on the first unit, then it opens; it closes again `mend_s` later."""

    law: ClassVar[str] = "fuse"
    fuse_s: ClassVar[float] = 100.0
    mend_s: ClassVar[float] = float("inf")
    unit: str = ""
    heat_s: float = 0.0
    loaded: bool = False
    now: float = 0.0
    mend_at: float = float("inf")
    reads: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, compiled: Compiled) -> Fuse:
        return cls(unit=compiled.names["power_units"][0])

    def begin(self, now: float) -> Sequence[Change]:
        return ()

    def advance(self, seconds: float) -> None:
        self.heat_s += seconds if self.loaded else 0.0
        self.now += seconds

    def read(self, now: float, engine: Engine) -> None:
        self.now, self.loaded = now, bool(engine.unit_va[engine.compiled.index["power_units"][self.unit]] > 0)
        self.reads.append(now)

    def due(self) -> float:
        left = self.fuse_s - self.heat_s
        return min(
            self.mend_at, self.now + left if self.loaded and self.mend_at == float("inf") else float("inf")
        )

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        if self.mend_at <= now:
            self.mend_at, self.heat_s = float("inf"), 0.0
            return [TimedChange(now, Change("state", self.unit, 1.0), "physics:fuse", "mended")]
        self.mend_at = now + self.mend_s
        change = Change("state", self.unit, -1.0)
        return [
            TimedChange(now, change, "physics:fuse", "blown", because=(self.unit,), event="breaker_trips")
        ]

    def quiet(self, block: Block) -> int:
        return 0

    def steady(self, engine: Engine) -> bool:
        return False


@pytest.fixture
def fuse(monkeypatch: pytest.MonkeyPatch) -> type[Fuse]:
    class Fresh(Fuse):
        pass

    monkeypatch.setattr(movers, "MOVERS", (Fresh,))
    return Fresh


def play(*world: TimedChange, until_s: float = 1000.0, **more: Any) -> Any:
    return simulate(compile_fleet(tiny_fleet(), start=START), (), world, until_s=until_s, **more)


def dark(run: Any) -> list[tuple[float, float]]:
    return sorted({(i.start_s, i.end_s) for i in run.intervals if i.kind == "unpowered"})


def test_it_acts_exactly_when_it_is_due_and_the_fleet_feels_it(fuse: type[Fuse]) -> None:
    run = play()
    assert dark(run) == [(100.0, 1000.0)]
    assert [(i.kind, i.start_s) for i in run.intervals if i.kind == "breaker_trips"] == [
        ("breaker_trips", 100.0)
    ]


def test_what_it_did_is_undone_when_it_says_so(fuse: type[Fuse]) -> None:
    fuse.mend_s = 250.0
    assert dark(play()) == [(100.0, 350.0), (450.0, 700.0), (800.0, 1000.0)]


def test_a_prediction_made_stale_by_the_world_is_forgotten(fuse: type[Fuse]) -> None:
    """Held down from 40 s to 300 s the unit carries nothing: 60 s of load are left for after."""
    unit = compile_fleet(tiny_fleet(), start=START).names["power_units"][0]
    world = [
        TimedChange(at, Change("state", unit, by), "world:test") for at, by in ((40.0, -1.0), (300.0, 1.0))
    ]
    assert dark(play(*world)) == [(40.0, 300.0), (360.0, 1000.0)]


def test_a_law_switched_off_does_nothing_and_an_unknown_one_is_refused(fuse: type[Fuse]) -> None:
    assert dark(play(without=("fuse",))) == []
    with pytest.raises(UsageError, match="no law fuze .*fuse"):
        play(without=("fuze",))


def test_a_cascade_that_finds_no_rest_is_named(fuse: type[Fuse]) -> None:
    fuse.fuse_s, fuse.mend_s = 0.0, 0.0
    with pytest.raises(NotSettled, match=r"does not settle at 0\.000 s"):
        play()


def test_what_physics_did_is_told_with_its_cause(fuse: type[Fuse]) -> None:
    compiled = compile_fleet(tiny_fleet(), start=START)
    narrator = Narrator(compiled)
    run = narrator.told(simulate(compiled, (), (), until_s=1000.0, observe=narrator))
    blown = next(i for i, h in enumerate(run.happenings) if h.text == "blown")
    assert run.happenings[blown].kind == "breaker_trips"
    racks = next(h for h in run.happenings if h.kind == "racks")
    panels = [run.happenings[i] for i in (racks.cause, *racks.also)]
    assert {panel.thing for panel in panels} == {"panel-a", "panel-b"}
    assert {panel.cause for panel in panels} == {blown}


class Clock:
    """Steady from its first look on: it acts 400 s after it has seen what became of its last act."""

    law: ClassVar[str] = "clock"
    acts: ClassVar[list[float]]

    def __init__(self) -> None:
        self.due_s, self.looked = float("inf"), False

    @classmethod
    def of(cls, compiled: Compiled) -> Clock:
        return cls()

    def begin(self, now: float) -> Sequence[Change]:
        return ()

    def advance(self, seconds: float) -> None:
        pass

    def read(self, now: float, engine: Engine) -> None:
        self.due_s, self.looked = now + 400.0 if self.due_s == float("inf") else self.due_s, True

    def due(self) -> float:
        return self.due_s

    def act(self, now: float, engine: Engine) -> Sequence[TimedChange]:
        self.acts.append(now)
        self.due_s = float("inf")
        return ()

    def quiet(self, block: Block) -> int:
        return len(block)

    def steady(self, engine: Engine) -> bool:
        return self.looked


def test_knots_that_go_by_together_end_before_a_mover_acts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after its own acts, and after load balancers have learned that a site is lost, which no mover had to do with."""
    monkeypatch.setattr(movers, "MOVERS", (Clock,))
    monkeypatch.setattr(Clock, "acts", [], raising=False)
    fleet = bench_fleet(size_of(2_000))
    site = fleet.sites[0].name
    borders = [row.name for row in fleet.switches if row.site == site and row.tier == "border"]
    world = [TimedChange(1000.0, Change("state", name, -1.0), "world:test") for name in borders]
    simulate(compile_fleet(fleet, start=START), (), world, until_s=3600.0)
    assert all(1000.0 < 1000.0 + service.failover_s < 1200.0 for service in fleet.services)
    assert Clock.acts == [400.0 * i for i in range(1, 9)]


def test_runs_do_not_share_what_moves() -> None:
    """Movers are made once a fleet and copied for each run: a second run is the first again, to the bit."""
    compiled = compile_fleet(example_fleet(), start=START)
    lost = [
        TimedChange(at, Change("state", "ams1-grid", by), "world:test")
        for at, by in ((600.0, -1.0), (5400.0, 1.0))
    ]
    simulator = Simulator(compiled)
    first, second = (simulator.run((), lost, until_s=7200.0) for _ in range(2))
    afresh = Simulator(compiled).run((), lost, until_s=7200.0)
    assert first.events > 20
    for other in (second, afresh):
        assert (other.events, other.intervals) == (first.events, first.intervals)
        assert np.array_equal(other.facility_j, first.facility_j)
