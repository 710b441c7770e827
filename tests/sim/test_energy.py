"""Energy, carbon and cost of a fixed schedule against exact integration by hand, in fractions."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from tests.sim.fleets import START
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.run import Run
from twin.sim.run import simulate

HOUR = 3600
PROFILE = (Fraction(1, 2), Fraction(1), Fraction(3, 4))  # one value per hour, repeating
CARBON = (400, 100, 250, 50)  # g/kWh, one per half hour, repeating, from 00:15 on
PRICE = (30, 90)  # USD/MWh, one per two hours, held at both ends, from 01:00 on
UNTIL = 5 * HOUR


def fleet() -> Fleet:
    """Two racks of four servers; idle 100 W, full 300 W, straight between; a UPS loses 2 % + 5 % + 3 % of 2 kVA."""
    rack = {"site": "s", "row": "x", "fed_by": ["ups"]}
    ups = {
        "kind": "ups",
        "fed_by": ["grid"],
        "rated_va": 2000.0,
        "loss_fixed": 0.02,
        "loss_linear": 0.05,
        "loss_square": 0.03,
    }
    return Fleet.model_validate(
        {
            "fleet": "ledger",
            "regions": [{"name": "r", "carbon_series": "carbon", "price_series": "price"}],
            "sites": [{"name": "s", "region": "r"}],
            "power_units": [
                {"name": "grid", "site": "s", "kind": "utility", "rated_va": 1e5},
                {"name": "ups", "site": "s", **ups},
            ],
            "racks": [{"name": "r1", **rack}, {"name": "r2", **rack}],
            "server_types": [
                {
                    "name": "t",
                    "cores": 1,
                    "curve": [(0.0, 100.0), (1.0, 300.0)],
                    "cost_usd": 876.6,
                    "embodied_kg": 1753.2,
                    "lifetime_s": 31557600.0,
                }
            ],
            "reservations": [{"name": "o"}],
            "server_groups": [
                {"name": f"{n}-g", "rack": n, "type": "t", "owner": "o", "count": 4} for n in ("r1", "r2")
            ],
            "services": [
                {"name": "web", "tier": 0, "reservation": "o", "service_time_s": 1.0, "failover_s": 0.0}
            ],
            "deployments": [{"service": "web", "site": "s", "replicas": 4}],
            "demand": [{"service": "web", "region": "r", "rate_per_s": 3.0, "profile": "hours"}],
            "series": [
                {"name": "hours", "step_s": HOUR, "values": [float(v) for v in PROFILE]},
                {"name": "carbon", "step_s": HOUR / 2, "values": CARBON, "start": "2026-01-05T00:15Z"},
                {
                    "name": "price",
                    "step_s": 2 * HOUR,
                    "values": PRICE,
                    "start": "2026-01-05T01:00Z",
                    "repeat": False,
                },
            ],
        }
    )


PLAN = [
    TimedChange(1000.0, Change("drain", "r1", -1.0), "plan:a"),
    TimedChange(4 * HOUR - 250.0, Change("drain", "r1", 1.0), "plan:b"),
    TimedChange(9000.0, Change("state", "r2", -1.0), "plan:c"),
    TimedChange(9500.0, Change("state", "r2", 1.0), "plan:d"),
]


def facility_and_it(t: Fraction) -> tuple[Fraction, Fraction]:
    """Watts at a time: by hand."""
    drained, lost = 1000 <= t < 4 * HOUR - 250, 9000 <= t < 9500
    servers = (0 if drained else 4) + (0 if lost else 4)
    rate = 3 * PROFILE[int(t // HOUR) % 3]
    busy = rate / servers if servers else Fraction(0)  # 1 RRU serves 1 request/s; 4 replicas always serve 3/s
    it = servers * (100 + 200 * busy) + (400 if drained else 0)
    return it + 40 + it / 20 + Fraction(3, 100) * it**2 / 2000, Fraction(it)


def carbon(t: Fraction) -> int:
    return CARBON[int((t - 900) // 1800) % 4]


def price(t: Fraction) -> int:
    return PRICE[min(max(int((t - HOUR) // (2 * HOUR)), 0), 1)]


def test_energy_carbon_and_cost_of_a_schedule() -> None:
    run: Run = simulate(compile_fleet(fleet(), start=START), PLAN, until_s=UNTIL)
    cuts = {0, UNTIL, *range(0, UNTIL, HOUR), *range(900, UNTIL, 1800), *(int(c.at_s) for c in PLAN)}
    energy = it = grams = dollars = Fraction(0)
    for begin, end in pairwise(sorted(cuts)):
        facility, racks = facility_and_it(Fraction(begin))
        energy += facility * (end - begin)
        it += racks * (end - begin)
        grams += facility * (end - begin) * carbon(Fraction(begin)) / 3_600_000
        dollars += facility * (end - begin) * price(Fraction(begin)) / 3_600_000_000
    assert run.facility_j[0] == pytest.approx(float(energy), rel=1e-12)
    assert run.it_j[0] == pytest.approx(float(it), rel=1e-12)
    assert run.carbon_g[0] == pytest.approx(float(grams), rel=1e-12)
    assert run.energy_cost_usd[0] == pytest.approx(float(dollars), rel=1e-12)
    # Eight servers of 876.6 USD and 1753.2 kg in a year of 8766 h: 0.1 USD and 0.2 kg per hour and server.
    assert run.server_cost_usd[0] == pytest.approx(8 * 0.1 * 5, rel=1e-12)
    assert run.embodied_kg[0] == pytest.approx(8 * 0.2 * 5, rel=1e-12)
    times = [Fraction(cut) for cut in sorted(cuts) if cut < UNTIL]
    assert run.fleet_max_w == pytest.approx(float(max(facility_and_it(t)[0] for t in times)), rel=1e-12)


def test_a_run_that_starts_later_reads_the_same_clock() -> None:
    """From hour 2 on: the profile, the carbon and the drain before it are in force as if it had been played from zero."""
    compiled = compile_fleet(fleet(), start=START)
    late = simulate(compiled, PLAN, start_s=2 * HOUR, until_s=UNTIL)
    early = simulate(compiled, PLAN, until_s=2 * HOUR)
    whole = simulate(compiled, PLAN, until_s=UNTIL)
    for name in ("facility_j", "it_j", "carbon_g", "energy_cost_usd", "requests", "server_cost_usd"):
        assert getattr(early, name) + getattr(late, name) == pytest.approx(getattr(whole, name), rel=1e-12)
