"""From a fleet to a plan of expansion: its numbers, its steps, its tables, and the command."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from scenarios.fleets.example import example_fleet
from solvers.expansion import plan_expansion
from solvers.expansion_fleet import ExpansionWishes, expansion_of
from solvers.expansion_record import month_names
from solvers.expansion_room import rooms_of
from solvers.needs import needs_of
from solvers.proposal import Proposal
from twin.actions.schedule import resolve
from twin.cli.plan_expansion import expansion
from twin.evaluate import check
from twin.files.fleet import write_fleet
from twin.graph.analysis_chain import nameplate_w
from twin.graph.analysis_fit import how_many_fit
from twin.model.errors import UsageError
from twin.model.fleet import Fleet
from twin.model.gateset import GateSet
from twin.records.verdict import Verdict

START = datetime(2026, 12, 1, tzinfo=UTC)
COLUMNS = {
    "demand_supply": (
        "month",
        "service",
        "demand_low_rru",
        "demand_rru",
        "demand_high_rru",
        "supply_rru",
        "short_rru",
    ),
    "orders": ("kind", "site", "type", "count", "order_month", "arrive_month", "cost_usd"),
    "power": ("month", "site", "used_kw", "budget_kw"),
    "space": ("month", "site", "used_u", "capacity_u"),
    "cost": ("month", "capex_usd", "energy_usd", "total_usd"),
    "carbon": ("month", "embodied_t", "operational_t"),
}


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return example_fleet()


@pytest.fixture(scope="module")
def proposal(fleet: Fleet) -> Proposal:
    return plan_expansion(fleet, ExpansionWishes(months=12), start=START, time_limit_s=30.0, gap=0.2)


def test_demand_is_the_need_of_today_and_its_growth(fleet: Fleet) -> None:
    given = expansion_of(fleet, ExpansionWishes(months=12, margin=0.15))
    today = needs_of(fleet).of_service
    rates = {row.growth_per_year for row in fleet.demand}
    assert rates == {0.2}
    needed = {
        f"{service.name}@{site.name}": today[v, s]
        for v, service in enumerate(fleet.services)
        for s, site in enumerate(fleet.sites)
        if today[v, s] > 0
    }
    names = given.problem.service_names
    assert set(needed) == set(names)
    owners = {row.name: row.guaranteed_rru for row in fleet.reservations}
    free = [v for v in range(len(names)) if owners[given.owner[v]] == 0]
    assert free and np.allclose(given.base[11, free], [needed[names[v]] * 1.2 for v in free])
    assert np.allclose(given.problem.demand[0], given.base * 1.15)
    assert (given.low <= given.base + 1e-9).all() and (given.base <= given.high + 1e-9).all()


def test_traffic_stays_at_its_site_unless_it_is_told_not_to(fleet: Fleet) -> None:
    p = expansion_of(fleet, ExpansionWishes(months=12)).problem
    for cell, v in zip(p.pair_cell.tolist(), p.pair_service.tolist(), strict=True):
        assert p.service_names[v].partition("@")[2] == p.site_names[p.cell_site[cell]]
    free = expansion_of(fleet, ExpansionWishes(months=12, anywhere=True))
    assert free.problem.service_names == tuple(service.name for service in fleet.services)
    both = {name: 0.0 for name in free.problem.service_names}
    for v, name in enumerate(p.service_names):
        both[name.partition("@")[0]] += p.demand[0, 11, v]
    assert np.allclose(free.problem.demand[0, 11], list(both.values()))
    assert any("no step of the plan does" in note for note in free.assumed)


def test_a_guarantee_without_a_service_may_be_kept_at_any_of_its_sites(fleet: Fleet) -> None:
    pools = tuple(
        row.model_copy(update={"guaranteed_rru": 100.0}) if row.name == "pool" else row
        for row in fleet.reservations
    )
    given = expansion_of(fleet.model_copy(update={"reservations": pools}), ExpansionWishes(months=12))
    p = given.problem
    assert p.service_names[-1] == "pool" and given.base[0, -1] == pytest.approx(100.0)
    assert len(set(p.cell_site[p.pair_cell[p.pair_service == len(p.service_names) - 1]])) > 1


@pytest.mark.slow
def test_the_twin_passes_a_plan_that_leaves_traffic_where_it_is(fleet: Fleet) -> None:
    """In the grown demand of 12 months, on a day around each wave of steps; with `anywhere` sites run short."""
    gates = GateSet.model_validate(
        {
            "gates": "slo",
            "suite": "calm",
            "partial_plans": False,
            "rules": [
                {"id": "errors", "metric": "error_rate", "pass": "<= +5 % of reference, floor 0.1 %"},
                {"id": "slo", "metric": "slo_violations", "estimator": "invariant", "pass": "none new"},
            ],
        }
    )

    def judged(wishes: ExpansionWishes) -> Verdict:
        plan = plan_expansion(fleet, wishes, start=START, time_limit_s=30.0, gap=0.2).plan
        assert plan is not None
        return check(plan, fleet, gates=gates, as_of=START)

    verdict = judged(ExpansionWishes(months=12))
    assert len(verdict.stretches) == 13 and verdict.demand_at_end == pytest.approx(1.2, abs=0.001)
    assert verdict.result == "pass"
    assert judged(ExpansionWishes(months=12, anywhere=True)).result == "fail"


def test_growth_and_scenarios_of_the_author_replace_what_is_declared(fleet: Fleet) -> None:
    wishes = ExpansionWishes(months=12, growth=0.5, scenarios=(("low", 0.0, 0.25), ("high", 2.0, 0.75)))
    p = expansion_of(fleet, wishes).problem
    assert np.allclose(p.demand[0, 11], p.demand[0, 0])
    assert np.allclose(p.demand[1, 11] / p.demand[0, 11], 2.0)
    assert p.probability.tolist() == [0.25, 0.75]


def test_servers_of_today_are_all_there_and_age_evenly(fleet: Fleet) -> None:
    p = expansion_of(fleet, ExpansionWishes(months=24)).problem
    assert p.now.sum() == sum(group.count for group in fleet.server_groups)
    # Six years of life: a third of them has gone after two.
    assert p.aged[-1].sum() == pytest.approx(p.now.sum() / 3, abs=p.cells)
    assert (np.diff(p.aged, axis=0) >= 0).all()


def test_the_room_of_a_site_takes_at_least_what_is_shown_to_fit(fleet: Fleet) -> None:
    halved = tuple(group.model_copy(update={"count": group.count // 2}) for group in fleet.server_groups)
    emptier = fleet.model_copy(update={"server_groups": halved})
    rooms, racks = rooms_of(emptier), {rack.name: rack.site for rack in emptier.racks}
    watts = {kind.name: nameplate_w(kind) for kind in emptier.server_types}
    shown = 0
    for kind in emptier.server_types:
        fits = {row.name: row.servers for row in how_many_fit(emptier, kind.name).sites}
        for site, room in zip(emptier.sites, rooms, strict=True):
            used = sum(group.count * watts[group.type] for group in halved if racks[group.rack] == site.name)
            assert room.power_w >= used + fits[site.name] * watts[kind.name] - 1e-6
            shown += fits[site.name]
    assert shown > 1000


def test_the_steps_of_the_plan_can_be_taken(fleet: Fleet, proposal: Proposal) -> None:
    assert proposal.plan is not None
    schedule = resolve(proposal.plan, fleet)
    timeline = schedule.timeline()
    assert all(run.outcome == "ok" for run in timeline.steps)
    assert timeline.end_s <= timeline.window_s


def test_steps_and_orders_tell_the_same_numbers(proposal: Proposal) -> None:
    assert proposal.document is not None
    orders = proposal.solution.table("orders")
    assert orders is not None
    by = {"server": 0, "move": 0, "retire": 0, "module": 0}
    for kind, _, _, count, *_ in orders.rows:
        by[str(kind)] += int(count or 0)
    steps = {"add": 0, "move": 0, "retire": 0}
    for step in proposal.document["steps"]:
        steps[step["do"].partition(".")[2].partition("@")[0]] += step["params"]["count"]
    unplaced = sum(int(note.split()[0]) for note in proposal.solution.notes if "are in no step" in note)
    assert steps["add"] == by["server"] + by["move"] - unplaced
    assert steps["retire"] == by["retire"] + by["move"]


def test_the_tables_have_the_columns_that_reports_read(proposal: Proposal) -> None:
    solution = proposal.solution
    months = month_names(START, 12)
    assert months[0] == "2026-12" and months[1] == "2027-01" and months[-1] == "2027-11"
    for name, columns in COLUMNS.items():
        table = solution.table(name)
        assert table is not None and table.columns == columns, name
        if name != "orders":
            assert tuple(dict.fromkeys(row[0] for row in table.rows)) == months
    power, space, supply = (solution.table(name) for name in ("power", "space", "demand_supply"))
    assert power is not None and space is not None and supply is not None
    for _, _, used, limit in [*power.rows, *space.rows]:
        assert float(str(used)) <= float(str(limit)) + 0.01
    for row in supply.rows:
        assert float(str(row[5])) + float(str(row[6])) == pytest.approx(float(str(row[3])), abs=0.01)


def test_the_record_says_what_it_rests_on(proposal: Proposal) -> None:
    solution = proposal.solution
    assert solution.bound <= solution.objective and 0 <= solution.gap <= 1
    nothing = solution.alternatives[0]
    assert nothing.name == "do nothing" and nothing.objective is not None
    assert nothing.objective >= solution.objective
    rule = solution.alternatives[2]
    assert rule.name == "buy ahead" and rule.objective is not None
    assert solution.objective <= rule.objective and solution.bound <= rule.objective
    assert [row.change for row in solution.sensitivity] == ["-5 %", "+5 %"]
    assert solution.sensitivity[0].objective < solution.sensitivity[1].objective
    words = "\n".join(solution.notes)
    assert "ages of servers are unknown" in words and "left open" in words


def test_an_unknown_type_is_refused_with_a_hint(fleet: Fleet) -> None:
    name = fleet.server_types[0].name
    with pytest.raises(UsageError, match=f"(?s)no server type '{name}x'.*{name}"):
        expansion_of(fleet, ExpansionWishes(buy=(f"{name}x",)))


def test_an_absurd_price_is_told(fleet: Fleet) -> None:
    name = fleet.server_types[0].name
    wishes = ExpansionWishes(months=12, prices={name: 1e12}, buy=(name,))
    notes = plan_expansion(fleet, wishes, start=START, time_limit_s=1.0).solution.notes
    assert any("is its unit right?" in note for note in notes)


def test_the_command_writes_a_plan_and_its_solution(tmp_path: Path, fleet: Fleet) -> None:
    write_fleet(fleet, tmp_path / "fleet.yaml")
    app = typer.Typer()
    app.command()(expansion)
    out = tmp_path / "exp.yaml"
    words = [
        str(tmp_path / "fleet.yaml"),
        "--months",
        "12",
        "-o",
        str(out),
        "--time-limit",
        "20s",
        "--gap",
        "30%",
    ]
    done = CliRunner().invoke(app, [*words, "--growth", "25%"])
    assert done.exit_code == 0, done.output
    assert "--growth 25% --suite calm" in " ".join(done.output.split())
    assert "ordered in" in done.output and "MUSD of today" in done.output
    solution = json.loads((tmp_path / "exp.solution.json").read_text())
    assert solution["formulation"] == "expansion" and solution["command"].startswith(
        "fleetwin plan expansion"
    )
    told = CliRunner().invoke(app, [*words, "--force", "--json", "--explain"])
    assert told.exit_code == 0 and json.loads(told.stdout)["plan_digest"].startswith("sha256:")
    assert "alternatives" in told.stderr
    again = CliRunner().invoke(app, words)
    assert again.exit_code != 0 and isinstance(again.exception, UsageError)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scenarios", "a:b"], "FACTOR:CHANCE"),
        (["--price", "compute"], "TYPE=USD"),
        (["--growth", "40 kg"], "--growth"),
    ],
)
def test_options_that_cannot_be_read_are_refused(tmp_path: Path, words: list[str], said: str) -> None:
    app = typer.Typer()
    app.command()(expansion)
    done = CliRunner().invoke(app, [str(tmp_path / "none.yaml"), *words])
    assert isinstance(done.exception, UsageError) and said in str(done.exception)
