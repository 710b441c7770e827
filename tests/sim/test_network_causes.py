"""What a replay says of a network that loses requests: the link that died unheard of, then the full one, not the time of day."""

from __future__ import annotations

from tests.sim.fleets import START
from tests.sim.movers.test_convergence import triangle
from tests.sim.test_fabric import narrowed, one_site
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.sim.narrate import Narrator
from twin.sim.run import simulate

TIERS = (("first", 1), ("last", 5))


def test_a_link_that_lost_bandwidth_is_measured_by_what_is_left() -> None:
    """3 of 10 Gbit/s; of which a quarter is left: 120 %."""
    compiled = compile_fleet(triangle(), start=START)
    narrator = Narrator(compiled)
    loses = TimedChange(10.0, Change("bandwidth", "ab", -0.75), "world:card", "ab loses 75 % of its capacity")
    simulate(compiled, (), [loses], until_s=60.0, observe=narrator)
    assert [h.text for h in narrator.happenings] == [
        "ab loses 75 % of its capacity",
        "ab is offered 120.0 % of what it can carry",
    ]
    assert narrator.happenings[1].cause == 0


def test_lost_requests_point_at_the_link() -> None:
    """Half of 7 Gbit/s of each tier goes over a link of 10: enough until it dies, too much for the other way."""
    base = {"reservation": "o", "service_time_s": 0.01, "slots": 16, "request_bytes": 1e6}
    fleet = triangle(
        regions=[{"name": "near"}, {"name": "far"}],
        sites=[{"name": name, "region": "far" if name == "b" else "near"} for name in "acb"],
        services=[{**base, "name": name, "tier": tier} for name, tier in TIERS],
        deployments=[{"service": name, "site": "b", "replicas": 40} for name, _ in TIERS],
        demand=[{"service": name, "region": "near", "rate_per_s": 875.0} for name, _ in TIERS],
        traffic=[],
    )
    compiled = compile_fleet(fleet, start=START)
    narrator = Narrator(compiled)
    dies = TimedChange(10.0, Change("state", "ab", -1.0), "world:cut", "ab is cut")
    simulate(compiled, (), [dies], until_s=60.0, observe=narrator)
    told = [
        (h.at_s, h.kind, h.thing, "" if h.cause < 0 else narrator.happenings[h.cause].thing)
        for h in narrator.happenings
    ]
    assert told == [
        (10.0, "world", "ab", ""),
        (10.0, "slo_violations", "first", "ab"),
        (10.0, "slo_violations", "last", "ab"),
        (12.0, "physics", "ab", "ab"),
        (12.0, "link_overloads", "bc", "ab"),
        (12.0, "end", "first", "first"),
    ]


def test_answers_lost_inside_a_site_point_at_the_full_link() -> None:
    """One of two uplinks is cut, and the other has room for three quarters; p99 of M/M/1 at 20 %."""
    compiled = compile_fleet(narrowed(one_site(), t1_f2=6e6), start=START)
    narrator = Narrator(compiled)
    cut = TimedChange(10.0, Change("state", "t1-f1", -1.0), "world:cut", "t1-f1 is cut")
    simulate(compiled, (), [cut], until_s=60.0, observe=narrator)
    assert [h.text for h in narrator.happenings] == [
        "t1-f1 is cut",
        "t1-f2 is offered 133.3 % of what it can carry",
        "web misses its SLO: 12.5 % errors, p99 57.56 ms",
    ]
    assert [h.cause for h in narrator.happenings] == [-1, 0, 1]
