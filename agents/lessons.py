"""Lessons: what a failed verdict asks of the next solve, as local as the counter-example allows, and by how much.

A *lesson* is a requirement with the amounts between which it must lie: too little the last time that it failed, enough the first
time that all passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from twin.model.fleet import Fleet
from twin.records.metrics import BY_NAME
from twin.records.requirement import Requirement, RequirementKind
from twin.records.verdict import CounterExample, GateResult, Happening, ScenarioResult, Verdict

FIRST = 0.05  # by which a requirement begins; it doubles each time the same thing fails again
SLOWER = 0.5
LOCAL = 2  # times that a site alone is asked for more; then all sites are
MOST = 4.0  # nobody is asked to have more than five times as much
SLOWEST = 1 / 64  # of the servers of a wave
CLOSE = 0.0126  # amounts this close are not told apart
ABOUT_SERVICES = ("service", "tier")  # filters of metrics that services have

Key = tuple[RequirementKind, str, str]


@dataclass
class Lessons:
    """What was learned so far, by kind, thing and site: the requirement, how often, and the largest amount that failed.

    `owner` says to which reservation a service belongs, `below` what it calls, and what that calls, and so on.
    """

    owner: Mapping[str, str]
    below: Mapping[str, frozenset[str]] = field(default_factory=dict)
    known: dict[Key, Requirement] = field(default_factory=dict)
    times: dict[Key, int] = field(default_factory=dict)
    failed: dict[Key, float] = field(default_factory=dict)

    @classmethod
    def of(cls, fleet: Fleet) -> Lessons:
        """Return an empty book for a fleet."""
        calls = {row.name: tuple(row.callees) for row in fleet.services}
        return cls(
            {row.name: row.reservation for row in fleet.services},
            {name: frozenset(_reached(name, calls)) for name in calls},
        )

    def learn(self, found: Sequence[Requirement]) -> tuple[Requirement, ...]:
        """Take in what a verdict taught: what was asked for already is asked for twice as much, in the end at all sites.

        A service that calls others which fail as well is not asked for more again: first they have to answer.
        """
        failing = {one.who for one in found if one.kind == "latency"}
        fresh = {}
        for requirement in found:
            key = key_of(requirement)
            waits = key in self.known and not failing.isdisjoint(self.below.get(requirement.who, ()))
            if requirement.kind != "latency" or not waits:
                key, requirement = self._more(requirement)
                fresh[key] = requirement
        return tuple(fresh.values())

    def _more(self, requirement: Requirement) -> tuple[Key, Requirement]:
        """Ask for more of a thing than it was given in vain."""
        key = key_of(requirement)
        self.times[key] = self.times.get(key, 0) + 1
        if requirement.where and self.times[key] > LOCAL:
            requirement = requirement.model_copy(update={"where": ""})
            key = key_of(requirement)
        before = self._before(requirement)
        self.failed[key] = before.amount if before else 0.0
        self.known[key] = self._grown(requirement, before)
        if not requirement.where:
            sites = [one for one in self.known if one[:2] == key[:2] and one[2]]
            self.known = {one: asked for one, asked in self.known.items() if one not in sites}
        return key, self.known[key]

    def _before(self, requirement: Requirement) -> Requirement | None:
        """Return the most that a thing was given where it failed: at that site, or anywhere if it failed anywhere."""
        kind, who, where = key_of(requirement)
        given = [
            one
            for (k, w, at), one in self.known.items()
            if (k, w) == (kind, who) and (not where or at in ("", where))
        ]
        return max(given, key=lambda one: one.amount, default=None)

    def grow(self, learned: Sequence[Requirement]) -> tuple[Requirement, ...]:
        """Double what was learned last, because it changed nothing yet; those that grew."""
        grown = [self._grown(one, self.known.get(key_of(one))) for one in learned]
        self.known |= {key_of(one): one for one in grown}
        return tuple(new for new, old in zip(grown, learned, strict=True) if new.amount != old.amount)

    def between(self) -> dict[Key, Requirement]:
        """Return, for what grew, the requirement half-way between too little and enough, where these are far apart."""
        return {
            key: one.model_copy(update={"amount": round((one.amount + self.failed[key]) / 2, 6)})
            for key, one in self.known.items()
            if one.kind not in ("pace", "links") and one.amount - self.failed[key] > CLOSE
        }

    def covers(self, key: Key, asked: Iterable[Key]) -> bool:
        """Tell whether a requirement is of a thing that is asked for more: itself, or its service or reservation."""
        return any(self._reservation(key[1]) == self._reservation(who) for _, who, _ in asked)

    def _reservation(self, who: str) -> str:
        return self.owner.get(who, who)

    def _grown(self, requirement: Requirement, before: Requirement | None) -> Requirement:
        """Return twice as much as before, at this site or everywhere; a service begins with half of its reservation's."""
        if before is None:
            given = self.known.get(("capacity", self._reservation(requirement.who), requirement.where))
            whole = given.amount / 2 if given else 0.0
            return requirement.model_copy(update={"amount": max(requirement.amount, whole)})
        if requirement.kind == "links":
            return requirement.model_copy(update={"amount": before.amount})
        most = 1.0 if requirement.kind in ("power", "heat") else MOST
        amount = (
            max(before.amount / 2, SLOWEST) if requirement.kind == "pace" else min(before.amount * 2, most)
        )
        return requirement.model_copy(update={"amount": amount})


def _reached(name: str, calls: Mapping[str, Sequence[str]]) -> set[str]:
    """Return all that a service calls, directly or through others."""
    found: set[str] = set()
    ahead = list(calls[name])
    while ahead:
        callee = ahead.pop()
        if callee not in found:
            found.add(callee)
            ahead += calls.get(callee, ())
    return found


def key_of(requirement: Requirement) -> Key:
    """Return what a requirement is about: kind, thing, site."""
    return requirement.kind, requirement.who, requirement.where


def requirements_of(verdict: Verdict, fleet: Fleet) -> list[Requirement]:
    """Return what the failed gates of a verdict ask of the next solve, each thing once, by the gate that comes first."""
    found: dict[Key, Requirement] = {}
    for gate in verdict.gate_results:
        if gate.result == "fail" and gate.level == "block":
            for requirement in _of_gate(gate, fleet):
                found.setdefault(key_of(requirement), requirement)
    return list(found.values())


def _of_gate(gate: GateResult, fleet: Fleet) -> list[Requirement]:
    """Return the requirements of one failed gate, from its counter-example and from all that broke in that scenario.

    A plan that fails only when it is stopped or undone half-way is too fast.
    """
    row, example = _worst(gate), gate.counter_example
    if row is None:
        return []
    if row.variant != "whole":
        causes: list[Key] = [("pace", "waves", "")]
    else:
        last = example.chain[-1] if example is not None and example.chain else None
        shown = [last.thing] if last is not None and _is_violation(last) else []
        things = list(dict.fromkeys([*shown, *row.violations])) or _named(gate, fleet)
        causes = [cause for thing in things for cause in _causes(thing, gate.metric, example, fleet)]
    because = example.violation if example is not None else gate.reason
    return [
        Requirement(
            kind=kind,
            who=who,
            where=where,
            amount=SLOWER if kind == "pace" else FIRST,
            gate=gate.id,
            scenario=row.scenario,
            because=because,
        )
        for kind, who, where in _together(dict.fromkeys(causes), fleet)
    ]


def _worst(gate: GateResult) -> ScenarioResult | None:
    """Return the row of the counter-example, else a failed row of the whole plan, else the worst one."""
    example = gate.counter_example
    failed = [row for row in gate.rows if row.result == "fail"]
    shown = [
        row
        for row in failed
        if example is not None and (row.scenario, row.variant) == (example.scenario, example.variant)
    ]
    whole = [row for row in failed if row.variant == "whole"]
    return next(iter([*shown, *whole]), gate.worst)


def _is_violation(step: Happening) -> bool:
    return step.kind in BY_NAME and BY_NAME[step.kind].kind == "violations"


def _named(gate: GateResult, fleet: Fleet) -> list[str]:
    """Return the services that a gate on a number is about, where its counter-example names nobody."""
    if not set(ABOUT_SERVICES) <= set(BY_NAME[gate.metric].where):
        return []

    def wanted(key: str, value: object) -> bool:
        given = gate.where.get(key, value)
        several = given if isinstance(given, (list, tuple)) else [given]
        return any(fnmatchcase(str(value), str(one)) for one in several)

    return [row.name for row in fleet.services if wanted("service", row.name) and wanted("tier", row.tier)]


def _causes(name: str, metric: str, example: CounterExample | None, fleet: Fleet) -> list[Key]:
    """Return what to ask for when a thing broke."""
    zones = {zone.name: zone.site for zone in fleet.cooling_zones}
    if name in zones:
        return [("heat", zones[name], "")]
    kind, row = fleet.things.get(name, ("", None))
    if row is None:
        return []
    if kind == "services":
        return [("latency", name, _site_of_service(name, example, fleet))]
    if kind == "racks" and metric == "racks_shed":
        return [("power", unit, "") for unit in row.fed_by]
    site = fleet.site_of(name) or ""
    by_kind: dict[str, Key] = {
        "power_units": ("power", name, ""),
        "sites": ("heat", site, ""),
        "racks": ("heat", site, ""),
        "cooling_plants": ("heat", site, ""),
        "links": ("links", name, ""),
    }
    asks = kind != "racks" or metric == "thermal_shutdowns"
    return [by_kind[kind]] if kind in by_kind and asks else []


def _site_of_service(name: str, example: CounterExample | None, fleet: Fleet) -> str:
    """Return the site where a service needs more: its only one, or that of all that broke before it ('' for everywhere).

    Who has lost a whole site needs more at the others.
    """
    at = {row.site for row in fleet.deployments if row.service == name and row.replicas}
    if len(at) == 1:
        return next(iter(at))
    chain = example.chain if example is not None else ()
    if not chain or chain[-1].thing != name:
        return ""
    broke = [step.thing for step in chain[:-1] if step.kind != "plan" and step.thing in fleet.things]
    sites = {fleet.site_of(thing) for thing in broke} - {None}
    if any(fleet.things[thing][0] == "sites" for thing in broke) or len(sites) != 1:
        return ""
    return next((str(site) for site in sites if site in at), "")


def _together(causes: Iterable[Key], fleet: Fleet) -> list[Key]:
    """Return the causes with all services of a reservation as one: the reservation."""
    causes = list(causes)
    found: dict[Key, None] = {}
    asked = {who: where for kind, who, where in causes if kind == "latency"}
    for kind, who, where in causes:
        reservation = fleet.things[who][1].reservation if kind == "latency" else ""
        mates = [row.name for row in fleet.services if row.reservation == reservation]
        if kind == "latency" and set(mates) <= set(asked):
            sites = {asked[mate] for mate in mates}
            found["capacity", reservation, where if len(sites) == 1 else ""] = None
        else:
            found[kind, who, where] = None
    return list(found)
