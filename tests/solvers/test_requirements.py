"""Requirements as numbers: by hand, by their order, and in the plan that comes of them."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from solvers.capacity import Form, plan_capacity
from solvers.capacity_fleet import Wishes, capacity_problem
from solvers.needs import needs_of
from solvers.problem import Budget
from solvers.requirements import with_less, with_more
from tests.agents.scripted import replicas, two_sites
from twin.actions.schedule import resolve
from twin.model.errors import UsageError
from twin.records.requirement import Requirement, RequirementKind

FLEET = two_sites()
NEEDS = needs_of(FLEET)


def ask(kind: RequirementKind, who: str, amount: float, where: str = "") -> Requirement:
    return Requirement(kind=kind, who=who, amount=amount, where=where)


def test_the_fleet_needs_what_its_replicas_take() -> None:
    # 8 + 2 replicas of web and api and 5 of db a site, of one unit each.
    assert NEEDS.need == pytest.approx(np.array([[10, 10], [5, 5], [0, 0]]))
    assert NEEDS.of_service == pytest.approx(np.array([[8, 8], [2, 2], [5, 5]]))


def test_without_requirements_nothing_changes() -> None:
    assert with_more(NEEDS, FLEET, []) is NEEDS
    assert with_more(NEEDS, FLEET, [ask("power", "a1-grid", 0.1), ask("links", "a1-b1", 0.1)]) is NEEDS


def test_a_reservation_has_more_with_its_services_at_the_site_that_asks() -> None:
    more = with_more(NEEDS, FLEET, [ask("capacity", "web", 0.2, "a1")])
    assert more.need == pytest.approx(np.array([[12, 10], [5, 5], [0, 0]]))
    assert more.of_service == pytest.approx(np.array([[9.6, 8], [2.4, 2], [5, 5]]))
    assert more.local == pytest.approx(np.array([[1.2, 1], [1.2, 1], [1, 1]]))
    assert more.busy == pytest.approx(NEEDS.busy)  # the work is the same: servers are less busy


def test_a_service_has_more_and_its_mates_have_not() -> None:
    more = with_more(NEEDS, FLEET, [ask("latency", "web", 0.5)])
    assert more.need == pytest.approx(np.array([[14, 14], [5, 5], [0, 0]]))
    assert more.of_service == pytest.approx(np.array([[12, 12], [2, 2], [5, 5]]))
    assert more.local == pytest.approx(1.0)


def test_of_several_on_the_same_thing_the_largest_counts_and_kinds_add_up() -> None:
    more = with_more(
        NEEDS,
        FLEET,
        [
            ask("capacity", "web", 0.1),
            ask("capacity", "web", 0.2),
            ask("capacity", "web", 0.5, "b1"),
            ask("latency", "web", 0.25, "a1"),
        ],
    )
    # a1: 10 x 1.2 and a quarter of web's 8 x 1.2 = 2.4; b1: 10 x 1.5.
    assert more.need[0] == pytest.approx([14.4, 15])
    assert more.of_service[:2] == pytest.approx(np.array([[12, 12], [2.4, 3]]))
    assert more.local[0] == pytest.approx([1.25, 1.25])  # b1: 1.5 / 1.2


def test_names_that_nobody_has_are_told_all_at_once() -> None:
    wrong = [ask("capacity", "wbe", 0.1), ask("latency", "web", 0.1, "c1"), ask("latency", "nix", 0.1)]
    with pytest.raises(UsageError) as told:
        with_more(NEEDS, FLEET, wrong)
    for words in ("no reservation 'wbe'", "no site 'c1' (", "no service 'nix' (web, api, db)"):
        assert words in str(told.value)


AMOUNT = st.floats(0, 4)
ASKED = st.lists(
    st.builds(
        ask,
        st.sampled_from(["capacity", "latency"]),
        st.sampled_from(["web", "db"]),
        AMOUNT,
        st.sampled_from(["", "a1", "b1"]),
    ),
    max_size=6,
)


@given(ASKED, ASKED)
@settings(deadline=None)
def test_more_requirements_never_mean_less(some: list[Requirement], others: list[Requirement]) -> None:
    less, more = with_more(NEEDS, FLEET, some), with_more(NEEDS, FLEET, [*some, *others])
    assert (more.need >= less.need - 1e-9).all() and (less.need >= NEEDS.need - 1e-9).all()
    assert (more.of_service >= less.of_service - 1e-9).all()


@given(ASKED)
@settings(deadline=None)
def test_reservations_need_what_their_services_do(some: list[Requirement]) -> None:
    found = with_more(NEEDS, FLEET, some)
    assert found.need[0] == pytest.approx(found.of_service[:2].sum(axis=0))
    assert found.need[1] == pytest.approx(found.of_service[2])


def test_all_sites_one_by_one_are_all_sites() -> None:
    whole = with_more(NEEDS, FLEET, [ask("capacity", "web", 0.3)])
    parts = with_more(NEEDS, FLEET, [ask("capacity", "web", 0.3, site) for site in ("a1", "b1")])
    assert parts.need == pytest.approx(whole.need)
    assert parts.of_service == pytest.approx(whole.of_service)


def test_units_leave_a_share_of_their_room_free_in_every_state() -> None:
    rows = ("a", "a while b is maintained", "ab", "cooling of a after the loss of a")
    budget = Budget("power", "VA", rows, csr_array(np.ones((4, 1))), np.ones(1), np.array([10.0, 8, 6, -4]))
    assert with_less(budget, [ask("power", "a", 0.25)]).limit == pytest.approx([7.5, 6, 6, -4])
    assert with_less(budget, [ask("heat", "a", 0.25)]).limit == pytest.approx([10, 8, 6, -5])
    assert with_less(budget, [ask("capacity", "a", 0.25)]) is budget


def test_the_solver_puts_servers_where_they_are_asked_for() -> None:
    wishes = Wishes(require=(ask("capacity", "web", 0.5, "a1"),))
    planned = plan_capacity(FLEET, wishes)
    problem = planned.given.problem
    servers = np.bincount(
        planned.given.site_of_cell[problem.pair_cell],
        planned.solved.counts * (problem.pair_reservation == 0),
    )
    # 15 + 10 of web's 12 + 12: one more server, and three from b1 to a1 within what the site may lack (1 % of 25).
    assert servers.sum() >= 25 and servers[0] >= 15 - 0.25 and servers[1] >= 10 - 0.25


def test_a_site_on_its_own_gets_its_replicas_in_a_step_after_that_of_all() -> None:
    require = (ask("latency", "web", 0.25), ask("latency", "web", 0.5, "a1"))
    watch = timedelta(hours=6)
    plan = plan_capacity(FLEET, Wishes(require=require), None, Form(watch=watch)).proposal.plan
    assert plan is not None
    assert replicas(plan) == [("web", "", "+25 %"), ("web", "a1", "+20 %")]
    after = {row.site: row.replicas for row in resolve(plan, FLEET).fleet.deployments if row.service == "web"}
    first, second = (step for step in plan.steps if step.do.startswith("service.scale"))
    assert first.id in second.after
    moves = 1 if any(step.do.startswith("capacity.move") for step in plan.steps) else 0
    assert plan.length_s == moves * 3600 + 2 * 600 + watch.total_seconds()
    assert after  # the plan can be played


def test_limits_of_the_fleet_take_requirements() -> None:
    usual = capacity_problem(FLEET).problem.budgets
    less = capacity_problem(FLEET, Wishes(require=(ask("power", "a1-grid", 0.5),))).problem.budgets
    for before, after in zip(usual, less, strict=True):
        for row, name in enumerate(before.rows):
            factor = 0.5 if name.startswith("a1-grid") else 1.0
            assert after.limit[row] == pytest.approx(factor * before.limit[row])
    assert any(name.startswith("a1-grid") for budget in usual for name in budget.rows)
