"""Drills played: a real incident in the twin, what was expected against what happened, and what must not cascade."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from twin.evaluate.drill_events import Watcher
from twin.evaluate.drill_match import Evidence, extras, judge, occurs
from twin.evaluate.replay import chain_to
from twin.files.drills import Case, cases
from twin.graph.compile import compile_fleet
from twin.model.change import Change, TimedChange
from twin.model.drill import Drill, Expectation, Injected, Variant
from twin.model.names import expand
from twin.records.drill import Drilled, Event, Finding
from twin.records.verdict import CounterExample, Happening
from twin.sim.narrate import Narrator
from twin.sim.run import simulate

START = datetime(2026, 1, 5, tzinfo=UTC)
# Happenings that are no part of a cascade.
ENDINGS = ("end", "recovery")


def play_drill(drill: Drill, *, without: Collection[str] = ()) -> Drilled:
    """Play a drill, its variants and its sweep; `without` switches laws of physics off.

    Raises UsageError for an unknown law, NotSettled when an instant of a case finds no rest.
    """
    every = list(cases(drill))
    happenings, evidence = _play(drill, every[0], without)
    findings = _judged(drill, evidence)
    variants = tuple(
        (drill.not_[case.variant].name, tuple(_judged_variant(drill, drill.not_[case.variant], found)))
        for case in every
        if case.variant is not None
        for _, found in [_play(drill, case, without)]
    )
    table = _table(drill, [case for case in every if case.cell is not None], without)
    return Drilled(drill, tuple(findings), variants, table, happenings, _example(drill, findings, happenings))


def _play(drill: Drill, case: Case, without: Collection[str]) -> tuple[tuple[Happening, ...], Evidence]:
    """Play one case; return what the narrator told and the evidence, both in times from the drill's first event on."""
    start = (case.fleet.as_of or START) - timedelta(seconds=drill.lead_s)
    compiled = compile_fleet(case.fleet, start=start)
    rows = [*drill.expected, *(row for variant in drill.not_ for row in variant.expect)]
    quantities = tuple({(row.quantity, row.thing): None for row in rows if row.quantity is not None})
    narrator = Narrator(compiled)
    watcher = Watcher(compiled, narrator, drill.lead_s, quantities)
    world = sorted(_changes(case.injected, drill.lead_s), key=lambda timed: timed.at_s)
    until = drill.lead_s + drill.window_s
    run = narrator.told(simulate(compiled, (), world, until_s=until, observe=watcher, without=without))
    told = tuple(h.model_copy(update={"at_s": h.at_s - drill.lead_s}) for h in run.happenings)
    return told, Evidence(watcher.events, watcher.traces, compiled.names, drill.lead_s, drill.window_s)


def _changes(injected: Sequence[Injected], lead_s: float) -> Iterator[TimedChange]:
    for row in injected:
        targets = (row.target,) if isinstance(row.target, str) else row.target
        keys = expand(row.key) if row.key else ("",)
        for target in (name for part in targets for name in (expand(part) if part else ("",))):
            for key in keys:
                yield TimedChange(
                    row.at_s + lead_s, Change(row.kind, target, row.value, key), f"world:{row.id}", row.text
                )


def _judged(drill: Drill, evidence: Evidence) -> list[Finding]:
    known: dict[str, float] = {}
    findings = judge(drill.calibrated, evidence, "calibrated", known)
    findings += judge(drill.predicted, evidence, "predicted", known)
    return findings + extras(drill, drill.expected, evidence, any_time=False)


def _judged_variant(drill: Drill, variant: Variant, evidence: Evidence) -> list[Finding]:
    by_id = {row.id: row for row in drill.expected}
    findings = [_absent(by_id[name], evidence) for name in variant.absent]
    findings += judge(variant.expect, evidence, "variant", {})
    rows = [row for row in drill.expected if row.id not in variant.absent]
    return findings + extras(drill, [*rows, *variant.expect], evidence, any_time=True)


def _absent(row: Expectation, evidence: Evidence) -> Finding:
    happens = occurs(row, evidence)
    return Finding(
        row.id, "absent", row.says, "", "must not happen", not happens, "happens" if happens else "not"
    )


def _table(drill: Drill, cells: Sequence[Case], without: Collection[str]) -> tuple[str, ...]:
    if drill.sweep is None:
        return ()
    cascade = [row for row in drill.expected if row.id in drill.sweep.cascade]
    rows = [[" "] * len(line) for line in drill.sweep.table]
    for case in cells:
        assert case.cell is not None
        _, evidence = _play(drill, case, without)
        seen = [occurs(row, evidence) for row in cascade]
        rows[case.cell[0]][case.cell[1]] = "x" if all(seen) else "?" if any(seen) else "."
    return tuple("".join(row) for row in rows)


def _example(drill: Drill, findings: Sequence[Finding], told: tuple[Happening, ...]) -> CounterExample:
    """The chain of causes to all that was expected (or was too much), in the form in which pictures are drawn."""
    lasts = sorted({i for finding in findings for i in _happenings(finding.events, told)})
    chain = chain_to(told, lasts)
    return CounterExample(
        scenario=drill.name,
        variant="whole",
        replication=0,
        violation=chain[-1].text if chain else drill.title,
        at_s=chain[-1].at_s if chain else 0.0,
        chain=chain,
    )


def _happenings(events: Sequence[Event], told: Sequence[Happening]) -> list[int]:
    """The happenings that tell of events (same instant, same thing); of racks that go dark together, the one of them all."""
    wanted = {(event.thing, round(event.at_s, 6)) for event in events}
    found = [i for i, h in enumerate(told) if (h.thing, round(h.at_s, 6)) in wanted and h.kind not in ENDINGS]
    return [i for i in found if told[i].kind != "unpowered"] or found[:1]
