"""The ledger of a run against naive books, against fractions by hand, and against the run that it belongs to."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from scenarios.fleets.example import example_fleet
from tests.sim.fleets import START
from tests.sim.helpers import SEEDS
from tests.sim.movers import cooled
from tests.sim.naive_ledger import Books, NaiveBookkeeper
from tests.sim.test_against_naive_twin import UNTIL_S, one_case
from tests.sim.test_energy import PLAN, PROFILE, UNTIL, carbon, facility_and_it, fleet, price
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.fleet import Fleet
from twin.records.ledger import IDLE, NOBODY, QUANTITIES, Account, Ledger
from twin.records.run import Run
from twin.sim.ledger import Bookkeeper
from twin.sim.run import simulate

SERVED = ("reservations", "services", "deployments", "demand")


def kept(
    fleet: Fleet, *changes: Sequence[TimedChange], until_s: float, start_s: float = 0.0
) -> tuple[Run, Ledger]:
    compiled = compile_fleet(fleet, start=START)
    keeper = Bookkeeper(compiled, start_s=start_s, until_s=until_s)
    run = simulate(compiled, *changes, start_s=start_s, until_s=until_s, observe=keeper)
    return run, keeper.close(run)


def priced(fleet: Fleet) -> Fleet:
    """Random fleets with servers that cost something."""
    types = [
        kind.model_copy(update={"cost_usd": 4000.0 + 900.0 * i, "embodied_kg": 900.0 + 400.0 * i})
        for i, kind in enumerate(fleet.server_types)
    ]
    return fleet.model_copy(update={"server_types": tuple(types)})


def assert_same(accounts: Sequence[Account], books: Books) -> None:
    """Each account is within two whole units of what the naive books say, or rounding of floats."""
    keys = {account.key for account in accounts}
    for quantity in QUANTITIES:
        naive = getattr(books, quantity.vector)
        for account in accounts:
            wanted = naive[account.key] * quantity.units
            assert getattr(account, quantity.name) == pytest.approx(wanted, rel=1e-7, abs=2.0), (
                account.key,
                quantity,
            )
        assert all(amount * quantity.units < 2.0 for key, amount in naive.items() if key not in keys)


def compare(seed: int) -> None:
    fleet, plan, world = one_case(seed)
    fleet = priced(fleet)
    naive = NaiveBookkeeper(fleet, plan, world, start=START, until_s=UNTIL_S)
    naive.run()
    run, ledger = kept(fleet, plan, world, until_s=UNTIL_S)
    assert_same(ledger.by("site", "rack"), naive.places)
    assert_same(ledger.by("site", "owner", "service"), naive.uses)
    assert_levels_add_up(run, ledger, compile_fleet(fleet, start=START).names["sites"])


def assert_levels_add_up(run: Run, ledger: Ledger, sites: Sequence[str]) -> None:
    for quantity in QUANTITIES:
        for domains in (("region",), ("site",), ("rack",), ("owner",), ("service",), ("region", "owner")):
            parts = sum(getattr(account, quantity.name) for account in ledger.by(*domains))
            assert parts == getattr(ledger.total, quantity.name)
        for finer in (("site", "rack"), ("site", "owner"), ("site", "owner", "service")):
            sums = dict.fromkeys(sites, 0)
            for account in ledger.by(*finer):
                sums[account.key[0]] += getattr(account, quantity.name)
            floats = dict(zip(sites, getattr(run, quantity.vector) * quantity.units, strict=True))
            known = {account.key[0]: getattr(account, quantity.name) for account in ledger.by("site")}
            assert {name: amount for name, amount in sums.items() if name in known} == known
            assert sums == pytest.approx(floats, abs=1.5)


@given(seed=SEEDS)
@settings(max_examples=12)
def test_against_naive_books(seed: int) -> None:
    compare(seed)


@pytest.mark.slow
@given(seed=SEEDS)
@settings(max_examples=150)
def test_against_naive_books_on_many_fleets(seed: int) -> None:
    compare(seed)


def test_a_schedule_against_fractions_by_hand() -> None:
    """Series of demand, carbon and price, a drained rack and one without power: who bears which hour."""
    _, ledger = kept(fleet(), PLAN, until_s=float(UNTIL))
    cuts = sorted({0, UNTIL, *range(0, UNTIL, 3600), *range(900, UNTIL, 1800), *(int(c.at_s) for c in PLAN)})
    racks, uses = ({name: [Fraction(0)] * 7 for name in names} for names in (("r1", "r2"), ("web", IDLE)))
    for begin, end in zip(cuts, cuts[1:], strict=False):
        t, seconds = Fraction(begin), end - begin
        facility_w, it_w = facility_and_it(t)
        r2_w = Fraction(0) if 9000 <= t < 9500 else _servers_w(t)
        web_w, working = _web_w(t)
        cost = seconds * Fraction(
            8, 10 * 3600
        )  # USD: eight servers at 0.1 USD per hour; they embody twice that in kg
        busy = working * _busy(t) / 8
        for book, watts, part in (
            (racks["r1"], it_w - r2_w, Fraction(1, 2)),
            (racks["r2"], r2_w, Fraction(1, 2)),
            (uses["web"], web_w, busy),
            (uses[IDLE], it_w - web_w, 1 - busy),
        ):
            joules = facility_w * seconds * watts / it_w
            row = [watts * seconds, joules, joules * carbon(t) / 3600, joules * price(t) / 3600]
            row += [Fraction(0), 2 * cost * part * 10**6, cost * part * 10**6]
            book[:] = [a + b for a, b in zip(book, row, strict=True)]
    for name, accounts in (("rack", racks), ("service", uses)):
        for account in ledger.by(name):
            found = dataclasses.astuple(account)[1:]
            assert found == pytest.approx([float(x) for x in accounts[account.key[0]]], abs=1.5), account.key


def test_water_goes_with_the_heat_of_each_rack() -> None:
    """In steady weather a tower takes in proportion to heat, so that each rack has its own; one of them lives half as long."""
    tower = {"name": "tower", "heat_rejection": "tower", "cycles": 5.0}
    site = cooled.fleet({"a": 20, "b": 40}, [tower], [], outdoor_c=20.0, humidity=0.5)
    run, ledger = kept(site, [cooled.state(1800.0, "a-x", -1.0)], until_s=3600.0)
    water = {account.key[0]: account.water_ml for account in ledger.by("rack")}
    assert water["a-x"] > 1000
    assert [water[rack] / water["a-x"] for rack in ("a-y", "b-x", "b-y")] == pytest.approx(
        [2, 4, 4], rel=1e-3
    )
    assert sum(water.values()) == ledger.total.water_ml == round(run.water_l[0] * 1e3)


def test_losses_while_no_rack_draws_anything_are_nobodys() -> None:
    lost = [TimedChange(0.0, Change("state", name, -1.0), "world:test") for name in ("r1", "r2")]
    _, ledger = kept(fleet(), lost, until_s=3600.0)
    ups_j = 40 * 3600  # 2 % of 2 kVA, whatever it carries
    for domain in ("rack", "owner", "service"):
        charged = {account.key[0]: (account.it_j, account.facility_j) for account in ledger.by(domain)}
        assert charged.pop(NOBODY) == (0, ups_j)
        assert set(charged.values()) == {(0, 0)}  # their servers cost money, but draw nothing
    assert ledger.total.servers_microusd == 800_000


@given(seed=SEEDS)
@settings(max_examples=8)
def test_a_run_does_not_know_of_its_books(seed: int) -> None:
    fleet, plan, world = one_case(seed)
    with_books, _ = kept(fleet, plan, world, until_s=UNTIL_S)
    without = simulate(compile_fleet(fleet, start=START), plan, world, until_s=UNTIL_S)
    for field in dataclasses.fields(Run):
        if (
            field.name == "settles"
        ):  # whoever looks on is shown the state before the start, which is a settle more
            continue
        one, other = getattr(with_books, field.name), getattr(without, field.name)
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other, field.name


def test_books_of_two_parts_are_those_of_the_whole() -> None:
    early, late, whole = (
        kept(fleet(), PLAN, start_s=start_s, until_s=until_s)[1]
        for start_s, until_s in ((0.0, 7200.0), (7200.0, float(UNTIL)), (0.0, float(UNTIL)))
    )
    for domain in ("rack", "service"):
        for one, two, both in zip(early.by(domain), late.by(domain), whole.by(domain), strict=True):
            assert one.key == two.key == both.key
            sums = [
                a + b for a, b in zip(dataclasses.astuple(one)[1:], dataclasses.astuple(two)[1:], strict=True)
            ]
            assert sums == pytest.approx(dataclasses.astuple(both)[1:], abs=2)


def _busy(t: Fraction) -> Fraction:
    """Utilisation of the working servers: 3 requests per second at most, one second each."""
    working = _working(t)
    return 3 * PROFILE[int(t // 3600) % 3] / working if working else Fraction(0)


def _working(t: Fraction) -> int:
    return (0 if 1000 <= t < 4 * 3600 - 250 else 4) + (0 if 9000 <= t < 9500 else 4)


def _servers_w(t: Fraction) -> Fraction:
    """Four working servers: 100 W and up to 200 W more."""
    return 4 * (100 + 200 * _busy(t))


def _web_w(t: Fraction) -> tuple[Fraction, int]:
    """What the service makes its servers draw: 200 W above idle and its part of the 100 W, both by utilisation."""
    working = _working(t)
    return working * 300 * _busy(t), working


def test_books_balance_before_they_are_rounded_while_physics_moves() -> None:
    """The utility of a site is lost: batteries, generators and a walk-in follow. Nothing is left to the rounding to hide."""
    site = example_fleet()
    compiled = compile_fleet(site, start=START)
    keeper = Bookkeeper(compiled, until_s=7200.0)
    lost = [
        TimedChange(at_s, Change("state", "ams1-grid", value), "world:test")
        for at_s, value in ((600.0, -1.0), (3000.0, 1.0))
    ]
    run = simulate(compiled, world=lost, until_s=7200.0, observe=keeper)
    assert run.events > 4
    ledger = keeper.close(run)
    for side in (keeper._places, keeper._uses):
        for quantity, amounts in zip(QUANTITIES, side.amounts, strict=True):
            sums = np.bincount(side.site, weights=amounts, minlength=len(run.it_j))
            assert sums == pytest.approx(getattr(run, quantity.vector), rel=1e-9), quantity
    assert_levels_add_up(run, ledger, compiled.names["sites"])


@pytest.mark.parametrize(
    "without",
    [
        ("services", "deployments", "demand"),
        ("racks", "server_groups", *SERVED),
        ("sites", "power_units", "racks", "server_groups", *SERVED),
        ("regions", "sites", "power_units", "racks", "server_groups", "series", *SERVED),
    ],
    ids="+".join,
)
def test_books_of_bare_fleets(without: tuple[str, ...]) -> None:
    """Who has no services is idle; what has no racks is nobody's; a fleet of nothing has no accounts."""
    bare = fleet().model_copy(update=dict.fromkeys(without, ()))
    run, ledger = kept(bare, until_s=3600.0)
    assert_levels_add_up(run, ledger, compile_fleet(bare, start=START).names["sites"])
    wanted = [] if "sites" in without else [NOBODY if "racks" in without else IDLE]
    assert [account.key[0] for account in ledger.by("service")] == wanted
