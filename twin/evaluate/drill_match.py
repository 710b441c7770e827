"""Holding what happened against what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from twin.model.drill import Drill, Expectation, ExtraKind
from twin.model.names import expand
from twin.records.drill import Event, Finding, Role
from twin.records.verdict import clock
from twin.sim.recorder import VIOLATIONS

Traces = Mapping[tuple[str, str], Sequence[tuple[float, float]]]
POWERED = ("power_units", "cooling_plants", "racks")
EPS = 1e-6


@dataclass(frozen=True)
class Evidence:
    """What one run left: its events in order, its quantities, the names of each kind, and how long it was."""

    events: Sequence[Event]
    traces: Traces
    names: Mapping[str, Sequence[str]]
    lead_s: float
    window_s: float

    def window(self, row: Expectation) -> tuple[float, float]:
        """From and to of an expectation."""
        low = -self.lead_s if row.from_s is None else row.from_s
        return low, self.window_s if row.to_s is None else row.to_s

    def things(self, row: Expectation) -> tuple[str, ...]:
        """The things that an expectation is about."""
        wanted, out = expand(row.thing), expand(row.except_) if row.except_ else ()
        kinds: Iterable[str] = POWERED
        if row.of or row.event == "acts":
            kinds = [kind for of, kind in VIOLATIONS if of == row.of] if row.of else self.names
        return tuple(
            n for kind in kinds for n in self.names[kind] if _is_any(n, wanted) and not _is_any(n, out)
        )

    def like(self, row: Expectation, low: float, high: float) -> list[Event]:
        """The events that an expectation means, within [low, high]."""
        wanted, out = expand(row.thing), expand(row.except_) if row.except_ else ()
        return [
            e
            for e in self.events
            if e.event == row.event
            and low - EPS <= e.at_s <= high + EPS
            and row.of in (None, e.of)
            and row.by in (None, e.by)
            and (not row.text or fnmatchcase(e.text, row.text))
            and _is_any(e.thing, wanted)
            and not _is_any(e.thing, out)
        ]


def judge(
    rows: Sequence[Expectation], evidence: Evidence, role: Role, known: dict[str, float]
) -> list[Finding]:
    """Hold expectations against a run; `known` are the times at which earlier ones were fulfilled (filled in)."""
    waiting, done = list(rows), dict[str, Finding]()
    while waiting:
        ready = [r for r in waiting if r.after is None or r.after in known or r.after in done] or waiting
        for row in ready:
            done[row.id] = finding = _finding(row, evidence, role, known)
            if finding.ok and finding.events:
                known[row.id] = max(event.at_s for event in finding.events)
            waiting.remove(row)
    return [done[row.id] for row in rows]


def occurs(row: Expectation, evidence: Evidence) -> bool:
    """Whether anything of what an expectation describes happens, at whatever time."""
    if row.event in ("above", "below"):
        return _level(row, evidence, "variant").ok
    return bool(evidence.like(row, -evidence.lead_s, evidence.window_s))


def extras(drill: Drill, rows: Sequence[Expectation], evidence: Evidence, *, any_time: bool) -> list[Finding]:
    """Events of the classes that must not occur, where nothing expected accounts for them."""
    struck = {name for row in drill.injected for name in _targets(row.target)}
    found = []
    for event in evidence.events:
        kind = _extra_kind(event)
        if kind is None or kind not in drill.none_extra or event.thing in struck:
            continue
        if not any(_accounts(row, event, evidence, any_time) for row in rows):
            says = f"no other {kind}"
            found.append(Finding(kind, "extra", says, "", "never", False, told(event), (event,)))
    return found


def told(event: Event) -> str:
    """Say an event with its time."""
    of, by = f" {event.of}" if event.of else "", f" by {event.by}" if event.by else ""
    return f"{event.thing} {event.event}{of}{by} at {clock(event.at_s)}"


def _finding(row: Expectation, evidence: Evidence, role: Role, known: Mapping[str, float]) -> Finding:
    if row.event in ("above", "below"):
        return _level(row, evidence, role)
    low, high = evidence.window(row)
    wanted = "never" if row.never else f"{clock(low)} to {clock(high)}"
    if row.never:
        wrong = evidence.like(row, low, high - 2 * EPS)[:1]
        wanted += _span(row, low, high)
        happened = told(wrong[0]) if wrong else "not"
        return Finding(row.id, role, row.says, row.account, wanted, not wrong, happened, tuple(wrong))
    if row.after is not None:
        wanted = f"after {row.after}" + (f", {wanted}" if row.from_s is not None else "")
        if row.after not in known:
            return Finding(row.id, role, row.says, row.account, wanted, False, f"{row.after} did not happen")
        low = max(low, known[row.after])
        if row.within_s is not None:
            wanted = f"within {clock(row.within_s).lstrip('+')} of {row.after}"
            high = min(high, known[row.after] + row.within_s)
    ok, happened, events = _first_of_each(row, evidence, low, high)
    return Finding(row.id, role, row.says, row.account, wanted, ok, happened, events)


def _first_of_each(
    row: Expectation, evidence: Evidence, low: float, high: float
) -> tuple[bool, str, tuple[Event, ...]]:
    first: dict[str, Event] = {}
    for event in evidence.like(row, low, high):
        first.setdefault(event.thing, event)
    in_order = sorted(first.values(), key=lambda event: event.at_s)
    events = tuple(in_order[:1] if row.which == "first" else in_order)
    missing = [] if row.which == "first" else [n for n in evidence.things(row) if n not in first]
    if events and not missing:
        return True, _range(events), events
    other = evidence.like(row, -evidence.lead_s, evidence.window_s)
    outside = f"; {told(other[0])}" if other and not events else ""
    return False, (f"not: {', '.join(missing[:3])}" if events else "not") + outside, events


def _range(events: Sequence[Event]) -> str:
    first, last = clock(events[0].at_s), clock(events[-1].at_s)
    return first if first == last else f"{first} to {last}"


def _level(row: Expectation, evidence: Evidence, role: Role) -> Finding:
    """Whether a quantity stays above or below a value from one time to another; it holds its value between settles."""
    assert row.quantity is not None and row.value is not None
    low, high = evidence.window(row)
    points = evidence.traces.get((row.quantity, row.thing), ())
    before = [value for at_s, value in points if at_s <= low + EPS][-1:]
    values = before + [value for at_s, value in points if low + EPS < at_s < high - EPS]
    wanted = f"{row.quantity} {row.event} {row.value:,.8g}, {clock(low)} to {clock(high)}"
    if not values:
        return Finding(row.id, role, row.says, row.account, wanted, False, "not measured")
    ok = min(values) > row.value if row.event == "above" else max(values) < row.value
    return Finding(
        row.id, role, row.says, row.account, wanted, ok, f"{_short(min(values))} to {_short(max(values))}"
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1e4 else f"{value:.4g}"


def _span(row: Expectation, low: float, high: float) -> str:
    given = row.from_s is not None or row.to_s is not None
    return f", {clock(low)} to {clock(high)}" if given else ""


def _extra_kind(event: Event) -> ExtraKind | None:
    if event.event == "down":
        if event.by == "breakers":
            return "trip"
        if event.by in ("zones", "batteries"):
            return "shutdown"
        return "dark" if event.kind == "racks" else None
    lost = ("slo_violations", "quorum_lost", "unreachable")
    return "service" if event.event == "begins" and event.of in lost else None


def _accounts(row: Expectation, event: Event, evidence: Evidence, any_time: bool) -> bool:
    if row.never or row.event in ("above", "below"):
        return False
    low, high = (-evidence.lead_s, evidence.window_s) if any_time else evidence.window(row)
    return event in evidence.like(row, low, high)


def _targets(target: str | tuple[str, ...]) -> tuple[str, ...]:
    names = (target,) if isinstance(target, str) else target
    return tuple(name for part in names for name in expand(part))


def _is_any(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
