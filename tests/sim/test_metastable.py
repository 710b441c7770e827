"""A service that its own retries keep down: as published, against clients played one by one, and what prevents it.

Bronson et al. (HotOS 2021) and Huang et al. (OSDI 2022) describe the shape: a trigger overloads a service that is otherwise
well, retries multiply the load, and the overload outlives the trigger. The numbers here are ours: capacity 100/s, base
load 80/s, trigger +60/s for 60 s, up to three retries one second after each failure.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim.movers.busy import at, fleet, look, play
from tests.sim.naive_clients import Clients
from twin.model.change import Change
from twin.sim.engine import Engine

BASE, TRIGGER, FROM_S, UNTIL_S = 80.0, 60.0, 100.0, 160.0
UNLIMITED = 10.0
WEB = {
    "name": "web",
    "slots": 10,
    "service_time_s": 0.1,
    "timeout_s": 1.0,
    "max_wait_s": 10.0,
    "retries": 3,
    "retry_budget": UNLIMITED,
}
Sample = tuple[float, Any]


def seen(engine: Engine) -> tuple[float, float, float]:
    """First tries, goodput and retries a second."""
    flows = engine.flows
    assert flows is not None
    requests = float(flows.requests[0])
    return requests, requests - float(flows.errors[0]), float(flows.retries[0])


def asked(at_s: float, extra: float, base: float = BASE) -> tuple[float, Change]:
    return at_s, Change("demand", "web", extra / base, "*")


def story(
    *more: tuple[float, Change],
    base: float = BASE,
    trigger: float = TRIGGER,
    until_s: float = 4000.0,
    **web: Any,
) -> list[Sample]:
    """Play the trigger, and what else a test adds; look each half minute."""
    world = [asked(FROM_S, trigger, base), asked(UNTIL_S, -trigger, base), *more]
    looks = look(*(30.0 * i + 29.0 for i in range(int(until_s / 30))))
    one = fleet([{**WEB, **web}], rate_per_s=base, replicas=1)
    return play(one, sorted([*world, *looks], key=lambda c: c[0]), until_s, seen)[1]


def test_goodput_collapses_and_stays_down_for_an_hour() -> None:
    samples = story()
    assert at(samples, 99.0)[1:] == (BASE, 0.0)
    for time_s in (170.0, 600.0, UNTIL_S + 1800.0, 3990.0):
        requests, good, again = at(samples, time_s)
        assert requests == BASE
        assert good == pytest.approx(
            0.0, abs=0.5
        )  # a hundred a second are served, and nobody waits for them any more
        assert again == pytest.approx(3 * BASE, rel=0.02)


@pytest.mark.parametrize(
    ("left", "cured"), [(72.0, False), (40.0, False), (26.0, False), (24.0, True), (10.0, True)]
)
def test_less_load_cures_only_below_a_quarter_of_the_capacity(left: float, *, cured: bool) -> None:
    """25 = 100 / (1 + 3): far below the load of 80 that it carried well before, and ten per cent less do nothing."""
    samples = story(asked(600.0, left - BASE))
    assert (at(samples, 3990.0)[1] == pytest.approx(left, rel=1e-3)) == cured
    if not cured:
        assert at(samples, 3990.0)[1] < 0.01 * left


def test_once_cured_it_carries_its_load_again() -> None:
    samples = story(asked(600.0, 10.0 - BASE), asked(1200.0, BASE - 10.0))
    assert at(samples, 3990.0) == (BASE, pytest.approx(BASE), 0.0)


@pytest.mark.parametrize(
    "changed",
    [
        {"retry_budget": 0.1},
        {"retries": 0},
        {"timeout_s": 11.0},  # clients that wait as long as the queue: no work is wasted
        {"max_wait_s": 0.5},  # a queue shorter than the clients' patience
        {"shed_above": 0.95},
    ],
)
def test_what_prevents_it(changed: dict[str, float]) -> None:
    """Recovery within twice the trigger."""
    samples = story(**changed)
    assert at(samples, UNTIL_S + 2 * (UNTIL_S - FROM_S))[1] == pytest.approx(BASE, rel=0.01)
    assert at(samples, 3990.0) == (BASE, pytest.approx(BASE), pytest.approx(0.0, abs=1e-6))


def test_a_low_base_load_recovers_by_itself_even_with_retries() -> None:
    samples = story(base=20.0, trigger=120.0)
    assert at(samples, UNTIL_S)[1] < 5.0
    assert at(samples, 3990.0) == (20.0, pytest.approx(20.0), 0.0)


def test_a_trigger_below_the_spare_capacity_does_nothing() -> None:
    samples = story(trigger=15.0)
    assert all(good == pytest.approx(requests) for _, (requests, good, _) in samples)


def shed(at_s: float, share: float) -> tuple[float, Change]:
    return at_s, Change("shed", "web", share, "*")


def test_refusing_most_of_it_until_the_queue_is_gone_cures() -> None:
    """Lifted in two steps: what was refused comes again, and all at once it would fill the queue."""
    samples = story(shed(600.0, 0.8), shed(900.0, -0.3), shed(960.0, -0.5))
    assert at(samples, 3990.0) == (BASE, pytest.approx(BASE), pytest.approx(0.0, abs=1e-6))
    assert at(story(shed(600.0, 0.8), shed(610.0, -0.8)), 3990.0)[1] < 1.0  # too short


@pytest.mark.parametrize("tuned", [Change("retries", "web", -3.0), Change("budget", "web", 0.1 - UNLIMITED)])
def test_a_plan_that_tunes_the_clients_cures(tuned: Change) -> None:
    """Taken back later, the service stays well: the state before decides."""
    undo = Change(tuned.kind, tuned.target, -tuned.value)
    samples = story((600.0, tuned), (1200.0, undo))
    assert at(samples, 590.0)[1] < 1.0
    assert at(samples, 3990.0) == (BASE, pytest.approx(BASE), pytest.approx(0.0, abs=1e-6))


def test_retries_multiply_down_the_chain() -> None:
    """attempts^layers: two layers of up to three attempts ask the last one nine times (SRE book, chapter 21)."""
    front = {
        "name": "front",
        "callees": {"back": 1.0},
        "retries": 2,
        "timeout_s": 1.0,
        "retry_budget": UNLIMITED,
    }
    back = {"name": "back", "retries": 2, "timeout_s": 1.0, "retry_budget": UNLIMITED}
    one = fleet([front, back], rate_per_s=10.0, replicas=10)
    world = [(100.0, Change("shed", "back", 1.0, "*")), *look(200.0)]

    def attempts(engine: Engine) -> list[float]:
        assert engine.flows is not None
        return (engine.flows.requests + engine.flows.retries).tolist()

    _, samples = play(one, world, 300.0, attempts)
    assert at(samples, 50.0) == [10.0, 10.0]
    assert at(samples, 200.0) == [pytest.approx(30.0, rel=0.02), pytest.approx(90.0, rel=0.03)]


CASES = [
    ("collapse", {}, BASE, TRIGGER),
    ("budget", {"retry_budget": 0.1}, BASE, TRIGGER),
    ("low base", {}, 20.0, 120.0),
    ("no trigger", {}, BASE, 10.0),
    ("short queue", {"max_wait_s": 0.5}, BASE, TRIGGER),
]


@pytest.mark.slow
@pytest.mark.parametrize(("web", "base", "trigger"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_against_clients_played_one_by_one(web: dict[str, float], base: float, trigger: float) -> None:
    """Goodput and retries before the trigger, during it, soon after and later.

    Within 8 % of the capacity, and of many retries within another 6 %: where they hold the balance, one request more a
    second makes four more of them, and the clients come at random.
    """
    service = {**WEB, **web}
    clients = Clients(
        rate=lambda now: base + trigger * (FROM_S <= now < UNTIL_S),
        workers=int(service["slots"]),
        service_time_s=float(service["service_time_s"]),
        longest_queue=int(100.0 * float(service["max_wait_s"])),
        timeout_s=float(service["timeout_s"]),
        retries=int(service["retries"]),
        budget=float(service["retry_budget"]),
        seed=1,
    ).run(460.0)
    one = fleet([service], rate_per_s=base, replicas=1)
    for since_s, until_s in ((40.0, 100.0), (115.0, 160.0), (175.0, 235.0), (360.0, 460.0)):
        world = [asked(FROM_S, trigger, base), asked(UNTIL_S, -trigger, base)]
        before, after = (totals(one, world, end_s) for end_s in (since_s, until_s))
        good, again = ((b - a) / (until_s - since_s) for a, b in zip(before, after, strict=True))
        assert good == pytest.approx(clients.per_s(clients.answered, since_s, until_s), abs=8.0), since_s
        expected = clients.per_s(clients.again, since_s, until_s)
        assert again == pytest.approx(expected, abs=8.0 + 0.06 * expected), since_s


def totals(one: Any, world: Any, until_s: float) -> tuple[float, float]:
    run, _ = play(one, world, until_s, lambda _: None)
    return float(run.requests[0] - run.errors[0]), float(run.retries[0])
