"""From a failed verdict to requirements: what, of whom, where, and how much."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agents.lessons import Lessons, requirements_of
from tests.agents.scripted import failed, two_sites, verdict
from twin.model.fleet import Fleet
from twin.records.requirement import Requirement, RequirementKind
from twin.records.verdict import GateResult

LOST = [("world", "a1-r1"), ("racks", "a1-r1"), ("capacity", "web")]


def asked(*gates: GateResult, fleet: Fleet | None = None) -> list[tuple[str, str, str]]:
    found = requirements_of(verdict("fail", *gates), fleet or two_sites())
    return [(one.kind, one.who, one.where) for one in found]


def test_a_service_asks_where_the_things_broke() -> None:
    assert asked(failed("web", causes=LOST)) == [("latency", "web", "a1")]


@pytest.mark.parametrize(
    "causes",
    [
        [],  # everybody asks for more
        [("world", "a1"), ("capacity", "web")],  # who has lost a site needs more at the others
        [("world", "a1-r1"), ("world", "b1-r1")],  # two sites
        [("plan", "a1-r1"), ("demand", "")],  # what the plan did is no fault
    ],
)
def test_otherwise_it_asks_everywhere(causes: Sequence[tuple[str, str]]) -> None:
    assert asked(failed("web", causes=causes)) == [("latency", "web", "")]


def test_a_service_at_one_site_asks_there() -> None:
    rows = [{"service": name, "site": "b1", "replicas": 4} for name in ("web", "api", "db")]
    assert asked(failed("web"), fleet=two_sites(deployments=rows)) == [("latency", "web", "b1")]


def test_others_of_the_row_ask_everywhere_for_their_place_is_not_known() -> None:
    assert asked(failed("web", "db", causes=LOST)) == [("latency", "web", "a1"), ("capacity", "db", "")]


def test_all_services_of_a_reservation_are_the_reservation() -> None:
    assert asked(failed("web", "api")) == [("capacity", "web", "")]
    assert asked(failed("db", causes=[("world", "a1-r1")])) == [("capacity", "db", "a1")]


@pytest.mark.parametrize(
    ("thing", "metric", "wanted"),
    [
        ("a1-grid", "overloads", [("power", "a1-grid", "")]),
        ("a1-grid", "breaker_trips", [("power", "a1-grid", "")]),
        ("a1", "cooling_short", [("heat", "a1", "")]),
        ("a1-r2", "thermal_shutdowns", [("heat", "a1", "")]),
        ("a1-r2", "racks_shed", [("power", "a1-grid", "")]),
        ("a1-hall", "zone_too_hot", [("heat", "a1", "")]),
        ("a1-r2", "unpowered", []),
        ("a1-r2", "unreachable", []),
        ("a1-b1", "link_overloads", [("links", "a1-b1", "")]),
        ("ledger", "quorum_lost", []),
    ],
)
def test_things_ask_for_what_an_allocation_can_change(
    thing: str, metric: str, wanted: list[tuple[str, str, str]]
) -> None:
    assert asked(failed(thing, metric=metric)) == wanted


@pytest.mark.parametrize(
    ("where", "wanted"),
    [
        ({}, {"web", "db"}),
        ({"service": "d*"}, {"db"}),
        ({"tier": 0}, {"web", "db"}),
        ({"tier": [1, 2]}, set()),
    ],
)
def test_a_number_without_a_violation_is_of_the_services_that_it_filters(
    where: dict[str, object], wanted: set[str]
) -> None:
    gate = failed(metric="latency_p99_ms", where=where)
    assert {who for _, who, _ in asked(gate)} == wanted


def test_the_energy_of_a_plan_asks_nothing() -> None:
    assert asked(failed(metric="energy_kwh")) == []


def test_what_only_warns_or_passes_teaches_nothing() -> None:
    assert asked(failed("web", level="warn"), failed("web", result="waived")) == []


def test_the_same_thing_is_asked_once_by_the_gate_that_comes_first() -> None:
    found = requirements_of(verdict("fail", failed("web", id="one"), failed("web", id="two")), two_sites())
    assert [(one.gate, one.scenario, one.amount) for one in found] == [("one", "peak", 0.05)]
    assert found[0].because == "('web',) broke"


def lessons() -> Lessons:
    return Lessons({"web": "front", "api": "front"})


def ask(
    kind: RequirementKind = "latency", who: str = "web", where: str = "", amount: float = 0.05
) -> Requirement:
    return Requirement(kind=kind, who=who, where=where, amount=amount)


def test_a_site_is_asked_twice_then_all_sites_are_for_as_much_again() -> None:
    book = lessons()
    found = [book.learn([ask(where="a1")])[0] for _ in range(3)]
    assert [(one.where, one.amount) for one in found] == [("a1", 0.05), ("a1", 0.1), ("", 0.2)]
    assert list(book.known) == [("latency", "web", "")]
    assert book.failed["latency", "web", ""] == 0.1


def test_who_calls_what_fails_waits_for_it() -> None:
    fleet, calls = two_sites(), {"web": {"api": 1.0}, "api": {"db": 1.0}}
    rows = [row.model_copy(update={"callees": calls.get(row.name, {})}) for row in fleet.services]
    book = Lessons.of(fleet.model_copy(update={"services": tuple(rows)}))
    both = [ask(), ask(who="db")]
    assert [one.amount for one in book.learn(both)] == [0.05, 0.05]
    assert [(one.who, one.amount) for one in book.learn(both)] == [("db", 0.1)]
    assert [(one.who, one.amount) for one in book.learn([ask()])] == [("web", 0.1)]


def test_a_site_that_failed_counts_when_it_is_no_longer_clear_where() -> None:
    book = lessons()
    for _ in range(2):
        book.learn([ask(where="a1")])
    assert book.learn([ask()])[0].amount == 0.2
    assert book.learn([ask(where="b1")])[0].amount == 0.4


def test_a_service_begins_with_half_of_what_its_reservation_was_given_in_vain() -> None:
    book = lessons()
    book.learn([ask("capacity", "front", amount=0.4)])
    assert book.learn([ask()])[0].amount == 0.2


def test_a_site_begins_above_what_all_sites_were_given_in_vain() -> None:
    book = lessons()
    book.learn([ask(amount=0.1)])
    assert book.learn([ask(where="a1")])[0].amount == 0.2


def test_amounts_end_somewhere() -> None:
    book = lessons()
    learned = book.learn([ask(), ask("power", "unit"), ask("pace", "waves", amount=0.5), ask("links", "l")])
    for _ in range(20):
        learned = book.grow(learned)
    assert learned == ()
    assert {kind: one.amount for (kind, _, _), one in book.known.items()} == {
        "latency": 4.0,
        "power": 1.0,
        "pace": 1 / 64,
        "links": 0.05,
    }


def test_half_way_is_between_what_failed_and_what_passed_until_they_are_close() -> None:
    book = lessons()
    for _ in range(3):
        book.learn([ask()])
    book.learn([ask("pace", "waves", amount=0.5), ask("links", "l")])
    tried = []
    while less := book.between():
        tried += [one.amount for one in less.values()]
        book.known |= less
    assert tried == [0.15, 0.125, 0.1125]
    assert book.known["latency", "web", ""].amount - 0.1 <= 0.0126
