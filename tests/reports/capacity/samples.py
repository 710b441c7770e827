"""Hand-made solutions and reports: an expansion over 24 months and a reassignment of today's servers."""

from datetime import UTC, datetime

from twin.evaluate.capacity_months import leads_of, orders_of, risks_of
from twin.records.capacity_report import (
    Bill,
    CapacityReport,
    Judgement,
    Loss,
    PowerDomain,
    State,
    Tight,
)
from twin.records.solution import Alternative, Binding, Sensitivity, Shortfall, Solution, Table

MONTHS = tuple(f"{2026 + (11 + n) // 12}-{(11 + n) % 12 + 1:02d}" for n in range(24))
# Per service: likely demand in the first month [RRU], growth per month, spread of low and high per month,
# and the supply from each month on (by its index).
_SERVICES = {
    "web": (820.0, 0.022, 0.007, {0: 1000.0, 6: 1240.0, 15: 1560.0}),
    "search": (410.0, 0.018, 0.006, {0: 520.0, 8: 640.0}),
    "db": (300.0, 0.012, 0.004, {0: 420.0}),
    "ranking": (560.0, 0.045, 0.014, {0: 620.0, 5: 1120.0, 11: 1440.0, 18: 1600.0}),
    "transcode": (120.0, 0.01, 0.005, {0: 180.0}),
}
_ORDERS = (
    ("server", "ams1", "compute", 240, "2026-12", "2027-06", 2_880_000.0),
    ("server", "iad1", "gpu", 40, "2026-11", "2027-05", 12_000_000.0),
    ("module", "ams1", "power-1mw", 1, "2026-12", "2027-11", 9_500_000.0),
    ("server", "fra1", "memory", 110, "2027-02", "2027-08", 1_980_000.0),
    ("server", "iad1", "gpu", 40, "2027-05", "2027-11", 12_000_000.0),
    ("move", "fra1", "compute", 30, "2027-03", "2027-03", 9_000.0),
    ("server", "ams1", "compute", 320, "2027-09", "2028-03", 3_840_000.0),
    ("retire", "sgp1", "storage", 60, "2028-01", "2028-01", 0.0),
    ("server", "ams1", "gpu", 20, "2027-12", "2028-06", 6_000_000.0),
)
_LIMITS = {
    "ams1": (245.0, 560.0, 11, 1000.0),
    "iad1": (240.0, 540.0, 99, 0.0),
    "fra1": (170.0, 355.0, 99, 0.0),
}


def sample_expansion(
    plan_digest: str = "sha256:" + "1f" * 32, fleet_digest: str = "sha256:" + "9c" * 32
) -> Solution:
    """Return what an expansion over 24 months leaves: growth, orders, power, space, cost, carbon."""
    return Solution(
        formulation="expansion",
        plan="grow-2027",
        plan_digest=plan_digest,
        fleet="example",
        fleet_digest=fleet_digest,
        status="optimal",
        route="mip",
        why="small enough to be solved whole",
        objective=52_410_000.0,
        bound=52_260_000.0,
        bound_by="the solver's own bound",
        gap=0.0029,
        gap_servers=3.0,
        gap_kw=1.4,
        seconds=38.2,
        size={"variables": 18_240, "constraints": 9_377},
        currency="USD",
        costs={"servers": 38_700_000.0, "modules": 9_500_000.0, "energy": 4_210_000.0},
        binding=(
            Binding(kind="power", thing="ams1", state="2027-10", unit="kW", limit=560.0, price=4120.0,
                    text="one more kW at ams1 in 2027-10 would save 4,120 USD"),
            Binding(kind="space", thing="iad1", state="2028-05", unit="U", limit=2310.0, price=310.0,
                    text="one more U at iad1 in 2028-05 would save 310 USD"),
            Binding(kind="lead time", thing="gpu", state="2027-04", unit="month", limit=6.0, price=88_000.0,
                    text="gpu servers one month sooner would save 88,000 USD"),
        ),
        shortfalls=(
            Shortfall(who="ranking", amount=47.8, unit="RRU", month="2027-04", cost=82_000.0,
                      because=("gpu servers arrive in 2027-05 at the earliest",),
                      text="ranking is 48 RRU short in 2027-04"),
        ),
        sensitivity=(
            Sensitivity(change="-5 %", objective=47_900_000.0, shortage=0.0, moves=30.0, text="one order fewer"),
            Sensitivity(change="+5 %", objective=58_120_000.0, shortage=118.0, moves=30.0, text="ranking short longer"),
        ),
        alternatives=(
            Alternative(name="do nothing", text="ranking short from 2027-07", objective=190_400_000.0, shortage=6_480.0,
                        moves=0, cost_usd=4_060_000.0),
            Alternative(name="buy all at once", text="everything in 2026-12", objective=61_030_000.0, shortage=41.0,
                        moves=0, cost_usd=60_900_000.0),
        ),
        tables=_tables(),
        risks=("overcommit of 5 % on batch work",),
        notes=("prices of gpu servers are an offer of 2026-10",),
        inputs={"fleet": "fleet.yaml", "wishes": "wishes.yaml"},
        command="fleetwin plan expansion fleet.yaml --wishes wishes.yaml -o exp.yaml",
    )  # fmt: skip


def sample_capacity(
    plan_digest: str = "sha256:" + "1f" * 32, fleet_digest: str = "sha256:" + "9c" * 32
) -> Solution:
    """Return what a reassignment of today's servers leaves: no months."""
    changes = (
        ("front", "ams1", "compute", 320, 348), ("front", "iad1", "compute", 410, 392), ("back", "ams1", "compute", 280, 252),
        ("back", "fra1", "memory", 120, 131), ("data", "fra1", "storage", 90, 90), ("ml", "iad1", "gpu", 24, 31),
        ("ml", "ams1", "gpu", 20, 13),
    )  # fmt: skip
    reservations = (
        ("front", 700.0, 742.0, 705.0, "ams1-msb-2", 0.0),
        ("back", 610.0, 640.0, 598.0, "iad1", 12.0),
        ("data", 180.0, 211.0, 184.0, "fra1-msb-1", 0.0),
        ("ml", 320.0, 352.0, 320.0, "iad1-msb-2", 0.0),
    )
    return sample_expansion(plan_digest, fleet_digest).model_copy(
        update={
            "formulation": "capacity",
            "status": "feasible",
            "route": "rounding",
            "currency": "points",
            "tables": (
                Table(
                    name="changes",
                    title="Changes",
                    columns=("reservation", "site", "type", "now", "planned"),
                    rows=changes,
                ),
                Table(
                    name="reservations",
                    title="Reservations",
                    columns=(
                        "reservation",
                        "demand_rru",
                        "capacity_rru",
                        "after_worst_loss_rru",
                        "worst_loss",
                        "short_rru",
                    ),
                    rows=reservations,
                ),
            ),
        }
    )


def sample_report(solution: Solution | None = None) -> CapacityReport:
    """Return a whole report: three states, a verdict that passed, everything that a page can show."""
    solution = solution or sample_expansion()
    as_of = datetime(2026, 12, 3, 9, tzinfo=UTC)
    orders = orders_of(solution, as_of.date())
    report = CapacityReport(
        as_of=as_of,
        at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        engine="fleetwin 0.1.0",
        plan="grow-2027",
        plan_digest=solution.plan_digest,
        fleet="example",
        fleet_digest=solution.fleet_digest,
        solution=solution,
        other_solution=sample_capacity().model_copy(update={"plan": "mine"}),
        states=(
            sample_state("today", 1.0),
            sample_state("the plan", 1.12),
            sample_state("the other plan", 1.3),
        ),
        orders=orders,
        risks=risks_of(solution),
        verdict=Judgement(
            file="verdict.json",
            result="pass",
            headline="PASS: the plan stays within every limit",
            about_this_plan=True,
            gates=(
                ("pass", "availability", "slo_violation <= 2 %", "0.4 % (reference 0.3 %), in random-faults"),
            ),
        ),
        losses_left_out=("racks",),
        assumed=("embodied of 4 types (for embodied_kg)",),
        inputs={"plan": "exp.yaml", "fleet": "fleet.yaml"},
        commands={
            "report": "fleetwin report capacity exp.yaml --fleet fleet.yaml --as-of 2026-12-03T09:00Z -o capacity.html",
            "verdict": "fleetwin check exp.yaml --fleet fleet.yaml --out json=verdict.json",
            "today bill": "fleetwin simulate fleet.yaml --days 1 --by site",
            "today stranded": "fleetwin inspect fleet.yaml --stranded",
        },
    )
    return report.model_copy(update={"leads": leads_of(orders, report.months, as_of.date())})


def sample_state(name: str, load: float) -> State:
    """Return a state whose loads are those of today times a factor; above 1.2 a loss overloads."""
    over = load > 1.2
    return State(
        name=name,
        plan="" if name == "today" else "grow-2027",
        plan_digest="" if name == "today" else "sha256:" + "1f" * 32,
        servers=round(3758 * load),
        rru=3844.0 * load,
        tight=(
            Tight(name="sgp1-f-panel-a", kind="panel", site="sgp1", unit="VA", limit=20e3, load=12.1e3 * load,
                  worst=16.4e3 * load, loss="sgp1-ats-2"),
            Tight(name="ams1-fra1", kind="link", site="", unit="bit/s", limit=400e9, load=71e9 * load, worst=96e9 * load,
                  loss="ams1-iad1"),
        ),
        units=325,
        domains=(
            PowerDomain(name="ams1-msb-2", kind="switchboard", site="ams1", budget_va=560e3, load_va=112.8e3 * load,
                        headroom_va=560e3 - 112.8e3 * load, usable_va=84.3e3, fragmentation=0.75,
                        oversubscription_after_loss=0.92,
                        reasons=(("a limit below or on the other feed", 220.5e3), ("reserve for the loss of a unit", 85.9e3))),
            PowerDomain(name="iad1-ups-2[a-c]", kind="ups", site="iad1", budget_va=540e3, load_va=85.8e3 * load,
                        headroom_va=540e3 - 85.8e3 * load, usable_va=113.5e3, fragmentation=None,
                        oversubscription_after_loss=0.79),
        ),
        losses=(
            Loss(name="ams1", kind="site", site="", racks=46, servers=980, short=("ranking",) if over else (), unit="fra1-grid",
                 unit_share=0.7 * load, link="fra1-cmh1", link_share=0.3 * load, over=(),
                 result="short" if over else "survived"),
            Loss(name="sgp1-ats-2", kind="unit", site="sgp1", racks=1, servers=26, short=(), unit="sgp1-f-panel-a",
                 unit_share=0.82 * load, link="ams1-iad1", link_share=0.18 * load,
                 over=("sgp1-f-panel-a",) if over else (), result="overload" if over else "survived"),
        ),
        short_now=("search",) if over else (),
        bills=(
            Bill(site="ams1", it_kwh=4217.5 * load, overhead_kwh=1519.5 * load, carbon_kg=2219.0 * load, embodied_kg=710.3 * load,
                 energy_usd=588.5 * load, servers_usd=7353.9 * load),
            Bill(site="iad1", it_kwh=4200.9 * load, overhead_kwh=1644.3 * load, carbon_kg=2200.2 * load, embodied_kg=710.3 * load,
                 energy_usd=242.3 * load, servers_usd=7353.9 * load),
        ),
    )  # fmt: skip


def _tables() -> tuple[Table, ...]:
    demand, power, space, cost, carbon = [], [], [], [], []
    for index, month in enumerate(MONTHS):
        for service, (start, growth, spread, supplies) in _SERVICES.items():
            likely = start * (1 + growth) ** index
            low, high = likely * (1 - spread * index), likely * (1 + 1.4 * spread * index)
            supply = max((at, rru) for at, rru in supplies.items() if at <= index)[1]
            row = (low, likely, high, supply, max(0.0, likely - supply))
            demand.append((month, service, *(round(value, 1) for value in row)))
        for site, (used, budget, step, more) in _LIMITS.items():
            limit = budget + (more if index >= step else 0.0)
            power.append((month, site, round(min(limit, used * 1.031**index), 1), limit))
            space.append((month, site, 1500 + 30 * index, 2310))
        capex = sum(order[-1] for order in _ORDERS if order[4] == month or (index == 0 and order[4] < month))
        energy = round(160_000 * 1.012**index, 2)
        cost.append((month, capex, energy, capex + energy))
        built = sum(order[3] for order in _ORDERS if order[5] == month and order[0] == "server")
        carbon.append((month, round(built * 1.6, 1), round(270 * 1.008**index, 1)))
    return (
        Table(
            name="demand_supply",
            title="Demand and supply",
            columns=(
                "month",
                "service",
                "demand_low_rru",
                "demand_rru",
                "demand_high_rru",
                "supply_rru",
                "short_rru",
            ),
            rows=tuple(demand),
        ),
        Table(
            name="orders",
            title="Orders",
            columns=("kind", "site", "type", "count", "order_month", "arrive_month", "cost_usd"),
            rows=_ORDERS,
        ),
        Table(
            name="power", title="Power", columns=("month", "site", "used_kw", "budget_kw"), rows=tuple(power)
        ),
        Table(
            name="space", title="Space", columns=("month", "site", "used_u", "capacity_u"), rows=tuple(space)
        ),
        Table(
            name="cost",
            title="Cost",
            columns=("month", "capex_usd", "energy_usd", "total_usd"),
            rows=tuple(cost),
        ),
        Table(
            name="carbon",
            title="Carbon",
            columns=("month", "embodied_t", "operational_t"),
            rows=tuple(carbon),
        ),
    )
