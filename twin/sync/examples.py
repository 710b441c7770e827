"""Example documents for an imported one-site fleet: gates, a suite, and plans with the fleet's real names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from twin.model.fleet import Fleet
from twin.model.gateset import Gate, GateSet
from twin.model.names import compress
from twin.model.plan import Claim, Duration, Plan, Scope, Step, Window
from twin.model.scenario import HazardSpec, Scenario, Suite
from twin.sync.layout import Floor, RackPlan
from twin.sync.savings import it_power_w

SUITE = "losses"
DRAIN_BATCH = 3
MAINTAIN_S = 5400.0
KINDS_LOST = {
    "lose-panel": ["panel"],
    "lose-ups": ["ups"],
    "lose-switchboard": ["switchboard", "ats"],
    "lose-rack": ["rack"],
}


def examples(
    fleet: Fleet, floor: Floor, taken_rru: Mapping[str, float]
) -> tuple[tuple[GateSet, ...], tuple[Suite, ...], tuple[Plan, ...]]:
    """Return gates, suites and plans; `taken_rru` says how much of each rack the placed work takes."""
    room = Room(fleet, floor, taken_rru)
    row = room.row_to_drain()
    plans = [drain_row(fleet, floor, row)]
    racks = room.racks_to_retire()
    if racks:
        plans.append(
            consolidate(fleet, racks, "consolidate", "the loss of any further rack can still be borne")
        )
        further = room.one_more(racks)
        if further:
            plans.append(
                consolidate(
                    fleet,
                    [*racks, *further],
                    "consolidate-too-far",
                    "what is left has no room for the loss of a rack",
                )
            )
    return (gate_set(),), (losses(),), tuple(plans)


class Room:
    """How much room each owner has for losing racks."""

    def __init__(self, fleet: Fleet, floor: Floor, taken_rru: Mapping[str, float]) -> None:
        rru = {kind.name: kind.rru for kind in fleet.server_types}
        self.floor, self.taken_rru = floor, taken_rru
        self.rack_rru = {rack.name: sum(rru[node.type] for node in rack.nodes) for rack in floor.racks}
        self.owner = {rack.name: rack.nodes[0].owner for rack in floor.racks}
        self.used_rru = {row.name: row.guaranteed_rru for row in fleet.reservations}

    def spare_rru(self, gone: Sequence[RackPlan]) -> dict[str, float]:
        """Return what each owner has left without some racks and without its largest remaining one."""
        names = {rack.name for rack in gone}
        spare = {}
        for owner in dict.fromkeys(self.owner.values()):
            left = [
                self.rack_rru[name] for name in self.owner if self.owner[name] == owner and name not in names
            ]
            spare[owner] = sum(left) - max(left, default=0.0) - self.used_rru.get(owner, 0.0)
        return spare

    def row_to_drain(self) -> str:
        """Return the busiest row without which its owners still bear the loss of a rack, else any."""
        before = self.spare_rru([])
        work = {
            row: sum(
                self.taken_rru.get(rack.name, 0.0) / self.rack_rru[rack.name]
                for rack in self.floor.in_row(row)
            )
            for row in self.floor.rows
        }

        def is_safe(row: str) -> bool:
            racks = self.floor.in_row(row)
            after = self.spare_rru(racks)
            return all(
                after[owner] >= 0 or before[owner] < 0 for owner in {self.owner[rack.name] for rack in racks}
            )

        safe = [row for row in self.floor.rows if is_safe(row)]
        return (
            max(safe, key=lambda row: work[row]) if safe else min(self.floor.rows, key=lambda row: work[row])
        )

    def racks_to_retire(self) -> list[RackPlan]:
        """Return the least used racks of the owner that can miss most, as many as leave room for a loss."""
        return max((self._retirable(owner) for owner in self.spare_rru([])), key=len)

    def _retirable(self, owner: str) -> list[RackPlan]:
        chosen: list[RackPlan] = []
        for rack in self._least_used(owner):
            if self.spare_rru([*chosen, rack])[owner] < 0:
                break
            chosen.append(rack)
        return chosen

    def one_more(self, racks: Sequence[RackPlan]) -> list[RackPlan]:
        """Return the least used racks beyond *racks* that take the room for a loss away."""
        owner = self.owner[racks[0].name]
        rest = [rack for rack in self._least_used(owner) if rack not in racks]
        for count in range(1, len(rest)):
            if self.spare_rru([*racks, *rest[:count]])[owner] < 0:
                return rest[:count]
        return []

    def _least_used(self, owner: str) -> list[RackPlan]:
        racks = [rack for rack in self.floor.racks if self.owner[rack.name] == owner]
        return sorted(racks, key=lambda rack: (self.taken_rru.get(rack.name, 0.0), rack.name))


def drain_row(fleet: Fleet, floor: Floor, row: str) -> Plan:
    """Return the plan that drains a row, maintains its two panels in turn, and gives the row back."""
    racks = compress(rack.name for rack in floor.in_row(row))
    panels = [f"{row}-panel-{side}" for side in "ab"]
    steps = [
        _step("drain", "rack.drain@1", {"racks": racks, "batch": DRAIN_BATCH}),
        _step("panel-a", "unit.maintain@1", {"unit": panels[0], "lasts": "90 min"}, after="drain"),
        _step("panel-b", "unit.maintain@1", {"unit": panels[1], "lasts": "90 min"}, after="panel-a"),
        _step("undrain", "rack.undrain@1", {"racks": racks, "batch": DRAIN_BATCH}, after="panel-b"),
    ]
    return Plan(
        plan="drain-row",
        description=f"Take the work off row {row}, maintain its panels, give it back.",
        window=_window(fleet, hours=8),
        scope=Scope(touch=(*racks, *panels), max_racks=len(floor.in_row(row))),
        steps=tuple(steps),
    )


def consolidate(fleet: Fleet, racks: Sequence[RackPlan], name: str, claim: str) -> Plan:
    """Return the plan that drains racks and retires their servers, and claims the energy it saves."""
    names = compress(sorted(rack.name for rack in racks))
    counts = Counter((node.type, node.owner) for rack in racks for node in rack.nodes)
    steps = [
        _step("drain", "rack.drain@1", {"racks": names, "batch": max(1, len(racks) // 4)}, takes_s=3600.0)
    ]
    for number, ((kind, owner), count) in enumerate(sorted(counts.items()), start=1):
        params = {"racks": names, "type": kind, "owner": owner, "count": count}
        steps.append(_step(f"retire-{number}", "capacity.retire@1", params, after="drain", takes_s=7200.0))
    gone = Counter(node.type for rack in racks for node in rack.nodes)
    saved = 1.0 - it_power_w(fleet, gone) / it_power_w(fleet, Counter())
    limit = f"-{100 * saved:.2g} % ± {max(0.2, 30 * saved):.2g} % of reference"
    description = f"Retire the least used racks of {racks[0].nodes[0].owner} ({len(racks)} in all): {claim}."
    return Plan(
        plan=name,
        description=description,
        window=_window(fleet, hours=24),
        scope=Scope(touch=tuple(names), max_racks=len(racks)),
        steps=tuple(steps),
        claims=(Claim(metric="it_energy_kwh", limit=limit),),
    )


def gate_set() -> GateSet:
    """Return the gates for changes of this fleet."""
    rules = (
        Gate(id="errors", metric="error_rate", where={"tier": 0}, pass_="<= +5 % of reference, floor 0.1 %"),
        Gate(
            id="slo",
            metric="slo_violations",
            where={"tier": 0},
            estimator="invariant",
            pass_="none new",
            for_s=300.0,
        ),
        Gate(id="capacity", metric="capacity_short_rru", pass_="<= +1 % of reference, floor 1 RRU"),
        Gate(id="overloads", metric="overloads", estimator="invariant", pass_="none new"),
        Gate(id="reachable", metric="unreachable", estimator="invariant", pass_="none new"),
        Gate(id="cooling", metric="cooling_short", estimator="invariant", pass_="none new"),
        Gate(id="energy", metric="energy_kwh", pass_="<= +0.5 % of reference, floor 1 kWh", level="warn"),
        Gate(id="claims", metric="claims", pass_="inside", level="warn"),
    )
    description = "Work keeps its place and users of tier 0 notice nothing, under any single loss."
    return GateSet(gates_name="safe-change", description=description, suite=SUITE, rules=rules)


def losses() -> Suite:
    """Return the suite: a calm day, and every single loss of what the layout puts in twos, and of a rack."""
    scenarios = [Scenario(scenario="calm")]
    scenarios += [
        Scenario(scenario=name, hazards=(HazardSpec(kind="single-losses", params={"kind": kinds}),))
        for name, kinds in KINDS_LOST.items()
    ]
    return Suite(
        suite=SUITE,
        description="Every single loss of a panel, UPS, switchboard or rack.",
        scenarios=tuple(scenarios),
    )


def _step(
    name: str, verb: str, params: dict[str, Any], *, after: str = "", takes_s: float | None = None
) -> Step:
    timing: dict[str, Any] = {"after": (after,)} if after else {"at_s": 0.0}
    if takes_s is not None:
        timing["takes"] = Duration(mean_s=takes_s)
    return Step(id=name, do=verb, params=params, **timing)


def _window(fleet: Fleet, *, hours: int) -> Window:
    day = fleet.as_of
    assert day is not None  # every import gives its fleet an as_of
    return Window(not_before=day + timedelta(days=1), not_after=day + timedelta(days=1, hours=hours))
