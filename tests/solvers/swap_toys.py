"""Toy fleets for swaps: an owner whose servers draw much, one whose servers draw little, and the best swap by trying all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from typing import Any

from hypothesis import strategies as st

from tests.solvers.toys import fleet_of
from twin.model.fleet import Fleet

HOT_W, COLD_W = 1000.0, 500.0
SERVER_W = {("s", "hot", "box"): HOT_W, ("s", "cold", "box"): COLD_W}
FREE = {"move_va": 0.0, "cap_va": 0.0, "swap_va": 0.0, "caps": False}  # prices
KW = {"hot": 1.0, "cold": 0.5}


@dataclass(frozen=True)
class Toy:
    """A rack: servers of the two owners, its panel (0 to 2), its row, free height, and its budget [kW]."""

    hot: int
    cold: int
    panel: int
    row: str = "a"
    free_u: int = 20
    budget: float = 1e6


# The panel of r1 is full and r1 has the room; r2 has no room, and its panel could carry r1's load but not r1 beside r2.
TIGHT = (Toy(8, 0, 0), Toy(0, 8, 1, free_u=0))
RATED = (8.0, 9.0, 1.0)

ROOM = st.builds(  # with height, on a panel that is full
    Toy,
    hot=st.sampled_from([1, 2, 4]),
    cold=st.sampled_from([0, 0, 2]),
    panel=st.just(0),
    row=st.sampled_from("ab"),
    free_u=st.just(6),
    budget=st.sampled_from([1e6, 1e6, 4.5]),
)
POWER = st.builds(  # with little height, on a panel that is not
    Toy,
    hot=st.sampled_from([0, 0, 2]),
    cold=st.sampled_from([1, 2, 4]),
    panel=st.just(1),
    row=st.sampled_from("ab"),
    free_u=st.sampled_from([1, 1, 6]),
    budget=st.sampled_from([1e6, 1e6, 4.5]),
)
OTHERS = st.builds(
    Toy,
    hot=st.sampled_from([0, 2, 4]),
    cold=st.sampled_from([0, 1, 3]),
    panel=st.integers(0, 2),
    row=st.sampled_from("ab"),
    free_u=st.sampled_from([1, 1, 6]),
    budget=st.sampled_from([1e6, 1e6, 4.5]),
)


def hot_and_cold(racks: Sequence[Toy], *, rated: tuple[float, float, float], load: float = 0.0) -> Fleet:
    """Return one site with three panels of so many kVA, single-corded racks r1, r2, ..., and services that keep `hot` busy.

    A server draws 500 W when it idles and 1 kW at full load (power factor 1). `load` is the utilisation of `hot`: a worker takes
    10 ms, and a replica has ten of them and a server of its own.
    """
    hot = sum(rack.hot for rack in racks)
    busy: dict[str, Any] = {
        "services": [
            {
                "name": "web",
                "tier": 1,
                "reservation": "hot",
                "slots": 10,
                "service_time": "10 ms",
                "replica_rru": 1.0,
            }
        ],
        "deployments": [{"service": "web", "site": "s", "replicas": hot, "weight": 1.0}],
        "demand": [{"service": "web", "region": "R", "rate": f"{load * 1000.0 * hot} /s"}],
    }
    return fleet_of(
        regions=[{"name": "R"}],
        sites=[{"name": "s", "region": "R"}],
        power_units=[
            {"name": "grid", "kind": "utility", "site": "s", "rated": "1 MVA"},
            *(
                {
                    "name": f"p{i + 1}",
                    "kind": "panel",
                    "site": "s",
                    "rated": f"{kva * 1e3:.0f} VA",
                    "fed_by": ["grid"],
                }
                for i, kva in enumerate(rated)
            ),
        ],
        switches=[
            {"name": "border", "site": "s", "tier": "border", "capacity": "100 Gbit/s", "fed_by": ["grid"]}
        ],
        racks=[
            {
                "name": f"r{i + 1}",
                "site": "s",
                "row": rack.row,
                "fed_by": [f"p{rack.panel + 1}"],
                "switches": ["border"],
                "space_u": rack.hot + rack.cold + rack.free_u,
                **({"budget": f"{rack.budget * 1e3:.0f} W"} if rack.budget < 1e6 else {}),
            }
            for i, rack in enumerate(racks)
        ],
        server_types=[{"name": "box", "cores": 1, "idle": "500 W", "max": "1 kW", "power_factor": 1.0}],
        reservations=[{"name": "hot"}, {"name": "cold"}],
        server_groups=[
            {"name": f"{owner}{i + 1}", "rack": f"r{i + 1}", "type": "box", "owner": owner, "count": count}
            for i, rack in enumerate(racks)
            for owner, count in (("hot", rack.hot), ("cold", rack.cold))
            if count
        ],
        **(busy if load else {}),
    )


def draws(fleet: Fleet) -> dict[str, float]:
    """Return what racks draw [W], group by group (their switches draw elsewhere)."""
    watts = {rack.name: 0.0 for rack in fleet.racks}
    for group in fleet.server_groups:
        watts[group.rack] += group.count * SERVER_W["s", group.owner, group.type]
    return watts


def best_usable_kva(
    racks: Sequence[Toy], rated: tuple[float, float, float], changes: int, *, refeeds: bool
) -> float:
    """Return what is usable at best: every set of pairs that swap and every assignment of racks to panels is tried.

    Nothing is overloaded more than today, budgets of racks hold, a rack changes once, and no owner loses more servers with the
    worst rack or row than today.
    """
    held = [{"hot": rack.hot, "cold": rack.cold} for rack in racks]
    before = _panel_kw(held, [rack.panel for rack in racks])
    limit = [max(kva, kw) for kva, kw in zip(rated, before, strict=True)]
    worst, found = _worst(racks, held), -1.0
    for pairs in _matchings(racks, changes // 2):
        then = _swapped(held, pairs)
        swapping = {i for pair in pairs for i in pair}
        kept = all(now <= worst[key] for key, now in _worst(racks, then).items())
        if not kept or any(_kw(then[i]) > max(racks[i].budget, _kw(held[i])) for i in swapping):
            continue
        fed = sorted({rack.panel for rack in racks})  # a feed is one that some rack has
        choices = [fed if refeeds and i not in swapping else [rack.panel] for i, rack in enumerate(racks)]
        for panels in product(*choices):
            moved = sum(p != rack.panel for p, rack in zip(panels, racks, strict=True))
            load = _panel_kw(then, panels)
            if moved + len(swapping) <= changes and all(a <= b for a, b in zip(load, limit, strict=True)):
                found = max(found, _usable(racks, then, panels, rated))
    return found


def _usable(
    racks: Sequence[Toy], held: Sequence[dict[str, int]], panels: Sequence[int], rated: Sequence[float]
) -> float:
    total, load = 0.0, _panel_kw(held, panels)
    for p, kva in enumerate(rated):
        fit = sum(
            min(rack.free_u, int(max(rack.budget - _kw(mine), 0.0)))
            for rack, mine, panel in zip(racks, held, panels, strict=True)
            if panel == p
        )
        total += min(max(kva - load[p], 0.0), fit)
    return total


def _matchings(racks: Sequence[Toy], most: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Yield sets of pairs of racks: the first gives hot servers and gets cold ones."""
    pairs = [(i, j) for i, j in permutations(range(len(racks)), 2) if racks[i].hot and racks[j].cold]
    for size in range(most + 1):
        for chosen in combinations(pairs, size):
            if len({i for pair in chosen for i in pair}) == 2 * size:
                yield chosen


def _swapped(held: Sequence[dict[str, int]], pairs: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
    then = [dict(mine) for mine in held]
    for i, j in pairs:
        count = min(held[i]["hot"], held[j]["cold"])
        for rack, more in ((i, -count), (j, count)):
            then[rack]["hot"] += more
            then[rack]["cold"] -= more
    return then


def _worst(racks: Sequence[Toy], held: Sequence[dict[str, int]]) -> dict[tuple[str, str], int]:
    """Return how many servers each owner loses with its fullest rack, and with its fullest row."""
    worst = {}
    for owner in KW:
        rows: dict[str, int] = {}
        for rack, mine in zip(racks, held, strict=True):
            rows[rack.row] = rows.get(rack.row, 0) + mine[owner]
        worst[owner, "rack"] = max(mine[owner] for mine in held)
        worst[owner, "row"] = max(rows.values())
    return worst


def _panel_kw(held: Sequence[dict[str, int]], panels: Sequence[int]) -> list[float]:
    return [sum(_kw(mine) for mine, q in zip(held, panels, strict=True) if q == p) for p in range(3)]


def _kw(mine: dict[str, int]) -> float:
    return sum(KW[owner] * count for owner, count in mine.items())
