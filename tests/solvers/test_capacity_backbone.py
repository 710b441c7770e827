"""The backbone in plans of capacity: who can be reached with what links carry, against a maximum flow over the graph."""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from scenarios.fleets.example import example_fleet
from scenarios.generate import generate
from solvers.capacity import plan_capacity
from solvers.capacity_fleet import FleetProblem, capacity_problem
from solvers.capacity_solve import Effort, today
from solvers.formulations.capacity import capacity_program
from solvers.highs import Highs
from solvers.problem import Backbone
from solvers.reach import costs_of_states
from twin.model.demand import with_demand
from twin.model.fleet import Fleet


def _anywhere(fleet: Fleet, link_bps: float) -> Fleet:
    """Return the fleet with services that any site may serve, most of the demand in Asia, and links of this capacity."""
    weight = {"europe": 0.5, "us-east": 0.5, "asia": 4.0}
    demand = tuple(
        row.model_copy(update={"rate_per_s": row.rate_per_s * weight[row.region]}) for row in fleet.demand
    )
    return fleet.model_copy(
        update={
            "demand": demand,
            "services": tuple(row.model_copy(update={"locality": "any"}) for row in fleet.services),
            "links": tuple(
                row.model_copy(update={"capacity_bps": link_bps}) if "--" not in row.name else row
                for row in fleet.links
            ),
            "traffic": (),
        }
    )


@pytest.fixture(scope="module")
def given() -> FleetProblem:
    return capacity_problem(with_demand(_anywhere(example_fleet(), 4e9), 1.6))


def test_today_is_a_point_of_the_program(given: FleetProblem) -> None:
    program = capacity_program(given.problem)
    x = today(given.problem, program)
    rows = program.matrix @ x
    assert (rows <= program.row_upper + 1e-6).all()
    assert (rows >= program.row_lower - 1e-6).all()
    assert (x >= program.lower - 1e-9).all()
    assert (x <= program.upper + 1e-9).all()


def test_what_cannot_be_served_is_what_a_maximum_flow_leaves(given: FleetProblem) -> None:
    """With one reservation's servers fixed and links that do not bind, each state is a transport problem."""
    problem = given.problem
    b = problem.backbone
    assert b is not None
    free = replace(b, limit=np.full(len(b.limit), 1e6))
    fixed = replace(problem, backbone=free)
    program = capacity_program(fixed)
    still = replace(program, upper=np.where(program.integer, 0.0, program.upper))
    answer = Highs(still, relaxed=True).solve()
    assert answer.x is not None
    columns = program.columns("unserved")
    found = float(answer.x[columns].sum())
    assert found == pytest.approx(_left_by_flows(given, free), abs=1e-5)
    assert found > 1.0  # so that equality says something


def _left_by_flows(given: FleetProblem, b: Backbone) -> float:
    problem, left = given.problem, 0.0
    has = np.zeros((problem.reservations, len(b.sites)))
    site = given.site_of_cell[problem.pair_cell]
    np.add.at(has, (problem.pair_reservation, site), problem.value * problem.now)
    for r in range(problem.reservations):
        for w in range(len(b.states)):
            here = np.flatnonzero((b.reservation == r) & (b.state == w))
            graph = nx.DiGraph()
            graph.add_nodes_from(["users", "served"])
            for q in here:
                g, d = int(b.region[q]), int(b.site[q])
                graph.add_edge("users", ("region", g), capacity=float(b.asked[r, g]))
                graph.add_edge(("region", g), ("site", d))
                graph.add_edge(("site", d), "served", capacity=float(has[r, d]))
            asked = sum(float(b.asked[r, g]) for g in np.unique(b.region[here]))
            left += asked - nx.maximum_flow_value(graph, "users", "served")
    return left


def test_a_smaller_link_never_serves_more() -> None:
    costs = []
    for bits in (4e9, 4e8, 4e7):
        problem = capacity_problem(with_demand(_anywhere(example_fleet(), bits), 1.2)).problem
        answer = Highs(capacity_program(problem), relaxed=True).solve()
        costs.append(answer.objective)
    assert costs == sorted(costs)
    assert costs[-1] > costs[0] + 1e-6


def test_links_carry_what_their_flows_put_on_them(given: FleetProblem) -> None:
    """The share of a flow on all links that leave a site is what its users send: the routes keep what they are given."""
    b = given.problem.backbone
    assert b is not None
    abroad = np.asarray(b.share.sum(axis=0)).ravel() > 0
    assert abroad.any()
    regions = {row.name: row.region for row in example_fleet().sites}
    for q in np.flatnonzero(abroad):
        assert regions[b.sites[b.site[q]]] != b.regions[b.region[q]]


def test_a_fleet_of_local_services_puts_nothing_on_links() -> None:
    fleet = example_fleet()
    local = tuple(row.model_copy(update={"locality": "region"}) for row in fleet.services)
    problem = capacity_problem(fleet.model_copy(update={"services": local})).problem
    assert problem.backbone is not None
    assert problem.backbone.share.nnz == 0


def test_the_order_of_sites_and_regions_says_nothing() -> None:
    fleet = with_demand(_anywhere(example_fleet(), 4e8), 1.6)
    turned = fleet.model_copy(update={"sites": fleet.sites[::-1], "regions": fleet.regions[::-1]})
    one, other = (
        Highs(capacity_program(capacity_problem(each).problem), relaxed=True).solve()
        for each in (fleet, turned)
    )
    assert one.objective == pytest.approx(other.objective, rel=1e-9)


def test_what_a_generated_fleet_has_serves_its_users() -> None:
    """Its sites are not in the order of their regions; its servers suffice, so that nobody is left out."""
    fleet = generate(2000, seed=3)
    problem = capacity_problem(fleet).problem
    program = capacity_program(problem)
    answer = Highs(program, relaxed=True).solve()
    assert answer.x is not None
    assert answer.x[program.columns("unserved")].sum() == pytest.approx(0.0, abs=1e-6)


@pytest.mark.slow
def test_the_record_of_the_price_route_knows_the_backbone() -> None:
    """Both routes value doing nothing alike, and nobody is told that something was left out."""
    fleet = with_demand(_anywhere(example_fleet(), 4e8), 1.6)
    priced, exact = (
        plan_capacity(fleet, effort=Effort(time_limit_s=6.0, route=route)) for route in ("prices", "mip")
    )
    mine, theirs = (planned.proposal.solution for planned in (priced, exact))
    assert mine.route == "prices" and not any("left out" in note for note in mine.notes)
    assert mine.alternatives[0].objective == pytest.approx(theirs.alternatives[0].objective, rel=1e-6)
    assert mine.costs["backbone"] == pytest.approx(
        float(costs_of_states(priced.given.problem, priced.solved.counts).sum()), abs=1e-5
    )
    assert mine.bound <= theirs.objective + 1e-6 and mine.objective >= theirs.bound - 1e-6
    assert len(mine.sensitivity) == 2
