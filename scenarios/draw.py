"""Drawing the worlds of a scenario, before anything is played."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from scenarios.check import hazards_of
from scenarios.hazards import Hazard
from scenarios.hazards.base import Member, Setting
from scenarios.profiles import peak_s
from scenarios.world import Spell, World, timeline
from twin.model.fleet import Fleet
from twin.model.scenario import Scenario
from twin.model.streams import derive_seed


def draw(  # noqa: PLR0913 - what a world depends on, spelled out
    scenario: Scenario,
    fleet: Fleet,
    *,
    window_s: float,
    start: datetime,
    seed: int,
    replication: int = 0,
    states: Sequence[tuple[str, float]] = (),
) -> tuple[World, ...]:
    """Return the worlds of one replication of a scenario: one, or all members of an enumerating one.

    *fleet* is the union of both arms of a comparison, *states* are the distinct states of the plan (label,
    offset), to which the peak of demand is added. Streams belong to (seed, scenario, replication) and the
    entity: a thing that is added changes nothing for the others.
    """
    own_seed = derive_seed(str(seed), scenario.name, str(replication))
    setting = Setting(fleet, window_s, start, own_seed)
    hazards = hazards_of(scenario)
    if any(hazard.enumerates for hazard in hazards):
        return tuple(_members(scenario, hazards, replace(setting, states=with_peak(setting, states))))
    spells = _arranged(hazards, [spell for spell in _spells(hazards, setting)])
    return (
        World(
            scenario.name,
            replication,
            own_seed,
            timeline(spells, 0.0, window_s),
            0.0,
            window_s,
            random=is_random(scenario),
        ),
    )


def is_random(scenario: Scenario) -> bool:
    """Return whether replications of the scenario differ; if not, one world is all there is."""
    return any(hazard.random for hazard in hazards_of(scenario))


def enumerates(scenario: Scenario) -> bool:
    """Return whether the scenario stands for a complete list of cases."""
    return any(hazard.enumerates for hazard in hazards_of(scenario))


def with_peak(setting: Setting, states: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Return the states of the plan and, unless one is there already, the peak of demand."""
    at_s = peak_s(setting.fleet, setting.start, setting.window_s)
    inside = tuple((label, when) for label, when in states if when < setting.window_s)
    return inside if any(when == at_s for _, when in inside) else (*inside, ("at peak", at_s))


def _spells(hazards: Sequence[Hazard], setting: Setting) -> Iterator[Spell]:
    for hazard, own in _with_streams(hazards, setting):
        if not hazard.enumerates:
            yield from hazard.spells(own)


def _members(scenario: Scenario, hazards: Sequence[Hazard], setting: Setting) -> Iterator[World]:
    others = list(_spells(hazards, setting))
    for hazard, own in _with_streams(hazards, setting):
        for member in hazard.members(own):
            yield _world(scenario, member, _arranged(hazards, [*others, *member.spells]), setting)


def _world(scenario: Scenario, member: Member, spells: list[Spell], setting: Setting) -> World:
    until_s = min(member.at_s + member.horizon_s, setting.window_s)
    return World(
        scenario.name,
        0,
        setting.seed,
        timeline(spells, member.at_s, until_s),
        member.at_s,
        until_s,
        member.label,
    )


def _arranged(hazards: Sequence[Hazard], spells: list[Spell]) -> list[Spell]:
    for hazard in hazards:
        spells = hazard.arrange(spells)
    return spells


def _with_streams(hazards: Sequence[Hazard], setting: Setting) -> Iterator[tuple[Hazard, Setting]]:
    """Give each hazard its own streams: the second of a kind must not repeat the draws of the first."""
    seen: dict[str, int] = {}
    for hazard in hazards:
        seen[hazard.kind] = number = seen.get(hazard.kind, 0) + 1
        yield hazard, replace(setting, purpose=hazard.kind if number == 1 else f"{hazard.kind}#{number}")
