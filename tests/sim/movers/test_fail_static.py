"""Fail-static: how long routes stay without a control plane, who keeps one, and what is back when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from scenarios import hazards
from scenarios.hazards.base import Setting
from scenarios.world import timeline
from tests.sim.fleets import START
from tests.sim.movers.test_convergence import DIRECT, ROUND, Witness, triangle
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.engine import Engine
from twin.sim.movers.fail_static import FailStatic
from twin.sim.narrate import Narrator
from twin.sim.run import Simulator

LASTS_S = 30.0
Loss = tuple[float, str, float]


def ring(controllers: int = 1, **more: Any) -> Fleet:
    """The ring of three sites, whose routers know at once and stand half a minute without control plane."""
    fleet = triangle(convergence_s=None, fail_static_s=LASTS_S)
    return fleet.model_copy(
        update={
            "switches": tuple(s.model_copy(update={"controllers": controllers}) for s in fleet.switches),
            **more,
        }
    )


def played(
    fleet: Fleet, *losses: Loss, until_s: float = 200.0, without: Sequence[str] = ()
) -> tuple[Run, Witness]:
    """Play losses (time, site or switch, -1 or +1) of the control plane."""
    witness = Witness()
    world = [
        TimedChange(at_s, Change("control", name, value), "world:test", name) for at_s, name, value in losses
    ]
    simulator = Simulator(compile_fleet(fleet, start=START), without=without)
    return simulator.run((), world, until_s=until_s, observe=witness), witness


@pytest.mark.parametrize("target", ["c", "c-b"])
def test_routes_stay_for_a_while_and_are_withdrawn_at_both_ends_until_control_is_back(target: str) -> None:
    """Without ab all goes over c. c is cut off 30 s after it lost its control plane, and back with it at once."""
    fleet = ring()
    links = tuple(
        link.model_copy(update={"latency_s": 1.0}) if link.name == "ab" else link for link in fleet.links
    )
    _, witness = played(fleet.model_copy(update={"links": links}), (10.0, target, -1.0), (100.0, target, 1.0))
    assert witness.seen == [(0.0, ROUND, 0.0), (40.0, DIRECT, 0.0), (100.0, ROUND, 0.0)]


def test_who_is_cut_off_loses_what_it_sends() -> None:
    run, witness = played(ring(), (10.0, "a", -1.0), (100.0, "a", 1.0))
    assert witness.seen == [(0.0, DIRECT, 0.0), (40.0, {}, 3e9), (100.0, DIRECT, 0.0)]
    assert run.traffic_lost_bit.tolist() == pytest.approx([60.0 * 3e9])


def test_control_that_is_back_in_time_moves_nothing_and_the_clock_starts_anew() -> None:
    flap = [(10.0, "a", -1.0), (39.9, "a", 1.0), (50.0, "a", -1.0), (79.0, "a", 1.0)]
    assert played(ring(), *flap)[1].seen == [(0.0, DIRECT, 0.0)]
    again = [*flap[:3], (90.0, "a", 1.0)]
    assert [at_s for at_s, *_ in played(ring(), *again)[1].seen] == [0.0, 80.0, 90.0]


def test_one_instance_of_the_control_plane_suffices() -> None:
    assert len(played(ring(2), (10.0, "a", -1.0))[1].seen) == 1
    both = [(10.0, "a", -1.0), (20.0, "a-b", -1.0), (90.0, "a", 1.0)]
    assert [at_s for at_s, *_ in played(ring(2), *both)[1].seen] == [0.0, 50.0, 90.0]


def test_a_link_is_back_when_both_of_its_ends_have_control() -> None:
    losses = [(10.0, "a", -1.0), (15.0, "b", -1.0), (100.0, "a", 1.0), (120.0, "b", 1.0)]
    assert [at_s for at_s, *_ in played(ring(), *losses)[1].seen] == [0.0, 40.0, 120.0]


def test_without_the_law_or_its_time_routes_stay_for_ever() -> None:
    loss = (10.0, "a", -1.0)
    assert len(played(ring(), loss, without=["fail-static"])[1].seen) == 1
    assert len(played(ring(fail_static_s=None), loss)[1].seen) == 1
    assert FailStatic.of(compile_fleet(ring(fail_static_s=None), start=START)) is None


def test_other_routers_hear_of_what_is_withdrawn_when_they_converge() -> None:
    fleet = ring(convergence_s=2.0)
    _, witness = played(fleet, (10.0, "a", -1.0), until_s=60.0)
    assert witness.seen[1:] == [(40.0, {}, 3e9)]
    assert [at_s for at_s, text in witness.texts] == [42.0, 42.0]


def test_the_control_plane_of_routes_is_not_that_of_the_fleet() -> None:
    """Plans go on; `control` without a target withdraws nothing."""
    assert len(played(ring(), (10.0, "", -1.0))[1].seen) == 1
    engine = Engine(compile_fleet(ring(), start=START))
    engine.state.apply(Change("control", "a", -1.0))
    assert engine.state.control_lost == 0 and engine.state.controllers_lost.tolist() == [1, 0, 0]
    with pytest.raises(KeyError):
        engine.state.apply(Change("control", "nobody", -1.0))


def test_the_loss_is_told_as_the_cause() -> None:
    compiled = compile_fleet(ring(), start=START)
    narrator = Narrator(compiled)
    world = [TimedChange(10.0, Change("control", "a", -1.0), "world:test", "the control plane of a is lost")]
    run = narrator.told(Simulator(compiled).run((), world, until_s=60.0, observe=narrator))
    told = next(h for h in run.happenings if "withdrawn" in h.text)
    assert told.text == "the routes of a-b are withdrawn: it has had no control plane for 30 s"
    assert run.happenings[told.cause].text == "the control plane of a is lost"


def test_the_hazard_takes_every_instance_of_the_sites_that_it_names() -> None:
    fleet = ring(2)
    one = hazards.ControlPlaneLoss(network=("a", "b"), at="10 s", lasts="1 min")
    world = timeline(one.spells(Setting(fleet, 3600.0, START, 1, one.kind)), 0.0, 3600.0)
    assert [(t.at_s, t.change) for t in world] == [
        (at_s, Change("control", f"{site}-b", value))
        for at_s, value in ((10.0, -2.0), (70.0, 2.0))
        for site in "ab"
    ]
    assert list(one.check(fleet)) == []
    (ill,) = one.check(ring(fail_static_s=None))
    assert ill.absent and "for ever" in ill.what
    (ill,) = hazards.ControlPlaneLoss(network=("z",)).check(fleet)
    assert ill.what == "there is no site 'z'"
