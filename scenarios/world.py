"""A world: everything that happens to a fleet from outside, as one sorted list, drawn before the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from twin.model.change import Change, TimedChange


@dataclass(frozen=True)
class World:
    """One world of a scenario. Both arms of a comparison are played in the same one.

    `member` labels an enumerated world ("panel ams1-p1-a lost at peak"); of such a world only
    `start_s`..`until_s` is played. `random` is False when nothing was drawn: then one world says all there is
    to say.
    """

    name: str
    replication: int
    seed: int
    changes: tuple[TimedChange, ...]
    start_s: float
    until_s: float
    member: str = ""
    random: bool = False


@dataclass(frozen=True, slots=True)
class Spell:
    """Changes that begin together and are undone together after a while.

    `needs_crew`: a person of the site must mend it (see `repair-crews`).
    """

    at_s: float
    lasts_s: float
    changes: tuple[Change, ...]
    begins: str
    ends: str
    origin: str
    site: str = ""
    needs_crew: bool = False


def timeline(spells: Iterable[Spell], start_s: float, until_s: float) -> tuple[TimedChange, ...]:
    """Return the changes of all spells that fall before *until_s*, sorted by time.

    What began before *start_s* and still lasts begins at *start_s*.
    """
    changes = [change for spell in spells for change in _changes(spell, start_s, until_s)]
    return tuple(sorted(changes, key=lambda timed: timed.at_s))


def _changes(spell: Spell, start_s: float, until_s: float) -> Iterator[TimedChange]:
    end_s = spell.at_s + spell.lasts_s
    if spell.at_s >= until_s or end_s <= start_s:
        return
    for change in spell.changes:
        yield TimedChange(max(spell.at_s, start_s), change, spell.origin, spell.begins)
        if end_s < until_s:
            undone = Change(change.kind, change.target, -change.value, change.key)
            yield TimedChange(end_s, undone, spell.origin, spell.ends)
