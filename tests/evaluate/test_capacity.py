"""What the twin finds for the capacity report, on the smallest fleet: each figure against another way to it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scenarios.fleets.example import example_fleet
from tests.evaluate.tiny import AS_OF, WINDOW, tiny_fleet
from tests.reports.capacity.samples import sample_expansion
from twin.evaluate import simulate
from twin.evaluate.capacity import Proposal, after, gather
from twin.evaluate.capacity_state import Study, single_losses, study
from twin.files.digest import digest
from twin.graph.analysis_blast import blast_radius
from twin.graph.analysis_stranded import stranded_power
from twin.model.fleet import Fleet
from twin.model.plan import Plan
from twin.records.capacity_report import State
from twin.records.headroom import headroom
from twin.sim.snapshot import Snapshots

HOW = Study(AS_OF, 100, lambda done, of, what: None)


def plan_of(*steps: dict[str, object], touch: tuple[str, ...] = ("r[1-3]",)) -> Plan:
    rows = [{"id": f"s{number}", **step} for number, step in enumerate(steps)]
    return Plan.model_validate(
        {"plan": "p", "window": WINDOW, "scope": {"touch": list(touch)}, "steps": rows}
    )


def retire(racks: str, count: int) -> dict[str, object]:
    return {"do": "capacity.retire@1", "at_s": 0.0, "takes": "1 min",
            "params": {"racks": racks, "type": "t", "owner": "web", "count": count}}  # fmt: skip


def found(fleet: Fleet) -> State:
    return study(fleet, "today", HOW)


def test_every_single_loss_is_tried_and_judged() -> None:
    state = found(tiny_fleet())
    results = {loss.name: (loss.result, loss.racks, loss.servers) for loss in state.losses}
    # One of three racks may go (20 servers are left for 15 replicas); the only utility, and the only site, may not.
    assert results == {
        "ams1": ("short", 3, 30),
        "grid": ("short", 3, 30),
        "panel-a": ("survived", 0, 0),
        "panel-b": ("survived", 0, 0),
        "r1": ("survived", 1, 10),
        "r2": ("survived", 1, 10),
        "r3": ("survived", 1, 10),
    }
    assert next(loss for loss in state.losses if loss.name == "grid").short == ("web",)
    assert (state.short_now, state.over_now) == ((), ())
    assert {row.loss for row in state.tight} <= {"", *results}


def test_a_loss_that_overloads_the_other_feed_is_no_survival() -> None:
    # The racks draw 6.3 kVA: half of it is within the 5 kVA of each panel, all of it is not.
    panel = {"kind": "panel", "site": "ams1", "rated_va": 5e3, "fed_by": ["grid"]}
    units = [
        {"name": "grid", "kind": "utility", "site": "ams1", "rated_va": 1e5},
        {"name": "panel-a", **panel},
        {"name": "panel-b", **panel},
    ]
    state = found(tiny_fleet(power_units=units))
    loss = next(loss for loss in state.losses if loss.name == "panel-a")
    assert (loss.result, loss.over, loss.unit) == ("overload", ("panel-b",), "panel-b")
    alone = Snapshots(tiny_fleet(power_units=units), at=AS_OF).of(("panel-a",))
    at = alone.units.index("panel-b")
    assert loss.unit_share == pytest.approx(alone.peak_va[at] / alone.limit_va[at])
    assert loss.unit_share > 1.0


def test_what_is_wrong_already_is_not_charged_to_a_loss() -> None:
    state = found(after(plan_of(retire("r[2-3]", 20)), tiny_fleet()))
    assert state.short_now == ("web",)
    assert {loss.name for loss in state.losses if loss.short} == set()
    assert state.servers == 10


def test_a_device_that_is_too_loaded_already_is_told_once() -> None:
    # Each panel carries 3.2 kVA of its 3 kVA without any loss.
    panel = {"kind": "panel", "site": "ams1", "rated_va": 3e3, "fed_by": ["grid"]}
    grid = {"name": "grid", "kind": "utility", "site": "ams1", "rated_va": 1e5}
    state = found(tiny_fleet(power_units=[grid, {"name": "panel-a", **panel}, {"name": "panel-b", **panel}]))
    assert state.over_now == ("panel-a", "panel-b")
    assert {loss.name for loss in state.losses if loss.over} == set()


def test_the_fleet_after_a_plan_has_what_its_steps_leave() -> None:
    planned = after(plan_of(retire("r3", 4), retire("r[1-2]", 6)), tiny_fleet())
    assert [group.count for group in planned.server_groups] == [7, 7, 6]
    assert sum(group.count for group in tiny_fleet().server_groups) == 30


def test_losses_beyond_the_budget_leave_out_whole_kinds_and_say_so() -> None:
    fleet = tiny_fleet()
    assert single_losses(fleet, 100)[1] == ()
    losses, left = single_losses(fleet, 4)
    assert [name for _, name in losses] == ["ams1", "grid", "panel-a", "panel-b"]
    assert left == ("racks",)
    assert single_losses(fleet, 3) == ([("site", "ams1")], ("power units", "racks"))


@pytest.mark.slow
def test_the_figures_of_the_example_are_those_of_the_analyses() -> None:
    fleet = example_fleet()
    assert fleet.as_of is not None
    state = study(fleet, "today", Study(fleet.as_of, 3000, lambda done, of, what: None))
    for loss in state.losses[::29]:
        down = blast_radius(fleet, loss.name)
        itself = ("racks",) if loss.kind == "rack" else ()
        assert loss.racks == len(down.down.get("racks", ())) + (
            len(itself) or loss.racks * (loss.kind == "site")
        )
    ledger = simulate(fleet, days=1.0, ledger=True).ledger.total
    assert sum(bill.it_kwh for bill in state.bills) == pytest.approx(ledger.it_j / 3.6e6)
    assert sum(bill.energy_usd for bill in state.bills) == pytest.approx(ledger.energy_microusd / 1e6)
    snapshots = Snapshots(fleet)
    tightest = headroom(snapshots.of(), [snapshots.of((state.tight[0].loss,))])
    assert max(row.worst_share for row in tightest) == pytest.approx(state.tight[0].worst_share)
    now = snapshots.of()
    swing = dict(zip(now.units, (now.peak_va - now.load_va).clip(0.0).tolist(), strict=True))
    racks = dict(zip(now.racks, now.rack_w.tolist(), strict=True))
    stranded = stranded_power(fleet, rack_w=racks, swing_va=swing).domains
    assert [row.stranded_va for row in state.domains] == pytest.approx([row.stranded_va for row in stranded])


def test_a_report_is_gathered_and_doubts_are_told() -> None:
    fleet, plan = tiny_fleet(), plan_of(retire("r3", 4))
    solution = sample_expansion(digest(plan), "sha256:" + "0" * 64)
    broken = plan_of(retire("r3", 99))
    report = gather(
        plan,
        solution,
        fleet,
        against=Proposal(broken),
        as_of=datetime(2026, 12, 3, tzinfo=UTC),
        most_losses=4,
    )
    assert [state.name for state in report.states] == ["today", "the plan", "the other plan"]
    assert [state.servers for state in report.states] == [30, 26, 0]
    assert "cannot be played" in report.states[2].problem
    assert report.losses_left_out == ("racks",)
    assert report.warnings == (
        "the solution was computed on another snapshot of the fleet: solve again before signing",
    )
    assert report.at == AS_OF
    assert {lead.kind for lead in report.leads} == {"server", "module"}
