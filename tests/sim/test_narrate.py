"""A replay that starts in the middle of a plan tells how it came to that, in order."""

import numpy as np

from scenarios.fleets.example import example_fleet
from tests.sim.fleets import START
from twin.evaluate.replay import chain_to
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.sim.narrate import Narrator
from twin.sim.run import simulate


def test_the_chain_of_causes_and_the_trace_are_in_order() -> None:
    compiled = compile_fleet(example_fleet(), start=START)
    narrator = Narrator(compiled, watch=[("peak_va", "ams1-ups-2a")])
    plan = [
        TimedChange(600.0, Change("state", "ams1-ups-2b", -1.0), "plan:batteries", "take ams1-ups-2b out")
    ]
    world = [TimedChange(3600.0, Change("state", "ams1-out-1", -1.0), "world:loss", "ams1-out-1 is lost")]
    run = narrator.told(simulate(compiled, plan, world, start_s=3600.0, until_s=4500.0, observe=narrator))
    (trace,) = run.traces
    assert np.all(np.diff(trace.times_s) >= 0)
    assert trace.values[0] < trace.values[-1]
    texts = [happening.text for happening in run.happenings]
    assert texts[0] == "plan: take ams1-ups-2b out"
    lost = texts.index("ams1-out-1 is lost")
    moved = [h for h in run.happenings if h.kind == "transfer" and h.at_s == 3600.0]
    assert moved and all(h.cause > 0 or h.also for h in moved)
    dark = next(i for i, text in enumerate(texts) if "loses power with ams1-out-1" in text)
    assert run.happenings[dark].cause == lost


def test_a_chain_names_what_was_taken_away_before() -> None:
    """Copies that are away already, and a generator that stood still anyway, are causes of what a later loss does."""
    compiled = compile_fleet(example_fleet(), start=START)
    for taken, lost, kind in (
        (("ams1-c-panel-a", "ams1-f-panel-a"), "ams1-out-2", "quorum_lost"),
        (("ams1-gen-1",), "ams1-grid", "batteries_empty"),
    ):
        plan = [
            TimedChange(600.0, Change("state", name, -1.0), "plan:work", f"take {name}") for name in taken
        ]
        world = [TimedChange(3600.0, Change("state", lost, -1.0), "world:loss", f"{lost} is lost")]
        narrator = Narrator(compiled)
        run = narrator.told(simulate(compiled, plan, world, until_s=7200.0, observe=narrator))
        (last, *_) = [i for i, happening in enumerate(run.happenings) if happening.kind == kind]
        chain = {happening.text for happening in chain_to(run.happenings, (last,))}
        assert {f"{lost} is lost", *(f"plan: take {name}" for name in taken)} <= chain
