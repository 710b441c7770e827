"""The loop with scripted judges: every ending, every round in the log, and no plan judged twice; then one with the twin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from agents.refine import Judge, Refined, refine
from solvers.capacity import Form, Planned, plan_capacity
from solvers.capacity_fleet import Wishes
from tests.agents.scripted import Scripted, failed, replicas, two_sites, verdict
from tests.benchmarks.refine_fleets import GATES, WATCH_H, short_of_servers, suite
from twin.records.requirement import Requirement
from twin.records.verdict import Verdict

AT_A1 = [("world", "a1-r1"), ("capacity", "web")]
WEB_AT_A1 = verdict("fail", failed("web", causes=AT_A1))
ALL_OF_WEB = verdict("fail", failed("web", "api"))


def refined(*script: Verdict, rounds: int = 6, **more: Any) -> tuple[Refined, Scripted]:
    judge = Scripted(script)
    return refine(two_sites(), judge, demand="+10%", rounds=rounds, **more), judge


def test_a_first_plan_that_passes_is_the_answer() -> None:
    found, judge = refined(verdict())
    assert found.ended == "the twin is satisfied after 1 round"
    assert found.converged and len(found.rounds) == len(judge.plans) == 1
    assert found.best.learned == ()


@pytest.mark.parametrize("result", ["warn", "waived"])
def test_warnings_and_waivers_satisfy(result: str) -> None:
    assert refined(verdict(result))[0].converged


def test_what_fails_again_is_asked_for_twice_as_much_until_it_passes() -> None:
    found, judge = refined(WEB_AT_A1, WEB_AT_A1, verdict(), rounds=3)
    assert found.ended == "the twin is satisfied after 3 rounds"
    assert [[one.amount for one in turn.learned] for turn in found.rounds] == [[0.05], [0.1], []]
    assert [[one.amount for one in turn.required] for turn in found.rounds] == [[], [0.05], [0.1]]
    # A replica more of web at a1 only, on top of the tenth that demand takes; nobody else gets any.
    before, after = replicas(judge.plans[0]), replicas(judge.plans[2])
    assert before == [("web", "", "+10 %"), ("api", "", "+10 %"), ("db", "", "+10 %")]
    assert sorted(set(after) - set(before)) == [("web", "a1", "+10 %")] and set(before) <= set(after)


def test_a_whole_reservation_that_fails_gets_servers() -> None:
    found, judge = refined(*[ALL_OF_WEB] * 4, verdict(), rounds=5)
    assert [turn.moved for turn in found.rounds] == [0, 0, 1, 3, 7]  # 11 x 2 + 40 % = 30.8 servers of 24
    assert found.rounds[-1].required[0].text == "web has 40 % more servers"
    assert len(judge.plans) == 5


def test_after_it_passes_less_is_tried_and_the_least_that_passed_is_the_answer() -> None:
    found, _ = refined(ALL_OF_WEB, ALL_OF_WEB, verdict(), verdict(), ALL_OF_WEB, verdict())
    amounts = [[one.amount for one in turn.required] for turn in found.rounds]
    assert amounts == [[], [0.05], [0.1], [0.075], [0.0625]]
    assert [turn.less for turn in found.rounds] == [False, False, False, True, True]
    assert found.best.number == 4 and found.converged
    assert found.ended == "the twin is satisfied after 3 rounds"


def test_what_fails_with_less_goes_back_and_the_rest_stays() -> None:
    both = verdict("fail", failed("web"), failed("db", metric="slo_violations", id="other"))
    found, _ = refined(both, both, verdict(), verdict("fail", failed("db")), verdict())
    amounts = [{one.who: one.amount for one in turn.required} for turn in found.rounds]
    assert amounts[2:] == [
        {"web": 0.1, "db": 0.1},
        {"web": 0.075, "db": 0.075},
        {"web": 0.0625, "db": 0.0875},
    ]
    assert found.best.number == 5


def test_rounds_may_not_suffice() -> None:
    found, judge = refined(ALL_OF_WEB, rounds=3)
    assert found.ended == "3 rounds did not suffice; give more with --rounds"
    assert not found.converged and found.best.number == len(judge.plans) == 3


def test_a_fleet_that_has_nothing_left_to_give_says_what_is_lacking() -> None:
    found, judge = refined(ALL_OF_WEB, rounds=50)
    assert found.ended.startswith("the solver has nothing left to give (web lacks ")
    # 24 free servers and one of db's three too many: after 160 % there is nobody to take from.
    assert [turn.moved for turn in found.rounds] == [0, 0, 1, 3, 7, 16, 25]
    assert (
        found.rounds[-1].short[0].startswith("web lacks 8.2 of 57.2 RRU")
    )  # 22 x 2.6 = 57.2 of 24 + 25 = 49
    assert not found.converged and len(judge.plans) == 7


def test_what_no_plan_can_respect_is_not_judged_again() -> None:
    found, judge = refined(verdict("fail", failed("a1-grid", metric="overloads")), rounds=50)
    assert len(judge.plans) == 1
    assert "nothing left to give" in found.ended
    assert found.rounds[0].learned[0].text == "a1-grid leaves 5 % of its room free"


def test_a_plan_that_fails_only_half_way_is_slowed_down() -> None:
    half = verdict("fail", failed("web", variant="stop after wave-1"))
    waves: list[int] = []

    def solve(*given: Any) -> Planned:
        waves.append(given[3].wave)
        return plan_capacity(*given)

    found, _ = refined(*[ALL_OF_WEB] * 5, half, half, verdict(), rounds=9, form=Form(wave=4), solve=solve)
    assert [turn.required[-1].text for turn in found.rounds[6:8]] == [
        "50 % of the servers move at once",
        "25 % of the servers move at once",
    ]
    assert waves[:8] == [4] * 6 + [2, 1]
    assert found.converged and all(
        sum(move.count for move in wave) <= 1 for wave in found.rounds[7].planned.waves
    )


def test_where_a_slower_plan_is_the_same_plan_half_way_remains_the_reason() -> None:
    found, judge = refined(verdict("fail", failed("web", variant="stop after scale-1")))
    assert len(judge.plans) == 1  # nothing moves: there is nothing to slow down
    assert found.ended == (
        "the plan fails when stopped or undone half-way (slo-violations), "
        "and moving fewer servers at once does not help"
    )


def test_links_alone_end_the_loop_with_what_would_mend_them() -> None:
    found, judge = refined(verdict("fail", failed("a1-b1", metric="link_overloads")))
    assert "too much on a1-b1: no allocation of servers mends that" in found.ended
    assert "fleetwin plan placement --link-share" in found.ended
    assert len(judge.plans) == 1


def test_links_beside_a_service_do_not_end_it() -> None:
    both = verdict("fail", failed("a1-b1", metric="link_overloads"), failed("web"))
    found, _ = refined(both, verdict("fail", failed("a1-b1", metric="link_overloads")))
    assert [one.kind for one in found.rounds[0].learned] == ["links", "latency"]
    assert len(found.rounds) == 2 and "no allocation" in found.ended


def test_what_asks_nothing_of_a_solver_is_named() -> None:
    found, _ = refined(verdict("fail", failed("ledger", metric="quorum_lost")))
    assert found.ended == "what failed asks nothing of a solver of capacity: quorum-lost (ledger in peak)"


def test_doubt_is_not_planned_away() -> None:
    doubtful = failed("web", result="inconclusive", id="latency")
    found, judge = refined(verdict("inconclusive", doubtful))
    assert found.ended == (
        "the twin cannot tell (inconclusive: latency): more replications decide, not another plan"
    )
    assert not found.converged and len(judge.plans) == 1


def test_a_plan_that_is_rejected_ends_it() -> None:
    found, _ = refined(verdict("fail", rejected="two steps lock rack a1-r1"))
    assert found.ended == "the plan was rejected before simulation: two steps lock rack a1-r1"
    assert found.best.result == "rejected" and found.rounds[0].learned == () and not found.converged


def test_where_nothing_is_to_be_done_nothing_is_judged() -> None:
    judge = Scripted([verdict("fail")])
    found = refine(two_sites(), judge)
    assert found.ended.startswith("nothing to do") and not judge.plans
    assert found.best.result == "not judged"


def test_what_the_author_requires_holds_in_every_round() -> None:
    wish = Requirement(kind="capacity", who="db", amount=1.0)
    found, _ = refined(WEB_AT_A1, verdict(), wishes=Wishes(require=(wish,)))
    demands = [turn.planned.given.problem.demand for turn in found.rounds]
    assert all(demand[1] == pytest.approx(2 * 2 * 5.5) for demand in demands)


def test_the_log_has_every_round_and_is_told_as_it_goes() -> None:
    told: list[int] = []
    found, _ = refined(WEB_AT_A1, WEB_AT_A1, verdict(), WEB_AT_A1, tell=lambda turn: told.append(turn.number))
    table = found.table()
    assert [row[0] for row in table.rows] == told == [1, 2, 3, 4, 5]
    by_name = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [row["verdict"] for row in by_name] == ["fail", "fail", "pass", "fail", "fail"]
    assert (
        by_name[1]["required"]
        == by_name[0]["learned"]
        == ("web has 5 % more replicas at a1, and servers for them")
    )
    assert found.ended in table.title


def test_the_twin_lets_a_later_plan_pass_that_it_would_not_at_first() -> None:
    fleet = short_of_servers(200, 4, 2)
    judge = Judge(GATES, suite(fleet), "+10%")
    found = refine(
        fleet, judge, demand="+10%", form=Form(wave=10_000, watch=timedelta(hours=WATCH_H)), rounds=8
    )
    first, best = found.rounds[0], found.best
    assert first.result == "fail" and not first.required  # without the loop this plan would be the answer
    assert found.converged and best.number > 1 and best.required
    assert best.planned.proposal.plan is not None
    assert judge(best.planned.proposal.plan, fleet).result == "pass"
    assert best.held > first.held and not best.short
