"""Few hands: what breaks waits until somebody is free to mend it."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from scenarios.hazards.base import Hazard, Ill
from scenarios.world import Spell
from twin.model.fleet import Fleet


class RepairCrews(Hazard):
    """Each site has `crews`; independent failures are mended in the order in which they happen, one per crew.

    Deterministic: the repair itself takes as long as drawn, only its beginning waits. What fails again while
    it still waits stays down once. Things that belong to no site (backbone links) are mended by crews of
    their own.
    """

    kind: ClassVar[str] = "repair-crews"
    crews: Annotated[int, Field(ge=1, le=10_000)] = 1

    def check(self, fleet: Fleet) -> Iterator[Ill]:
        """Nothing in it depends on the fleet."""
        return iter(())

    def arrange(self, spells: list[Spell]) -> list[Spell]:
        """Return the spells with longer repairs where no crew was free."""
        free: dict[str, list[float]] = {}
        down_until: dict[str, float] = {}
        arranged = []
        for spell in sorted(spells, key=lambda spell: spell.at_s):
            target = spell.changes[0].target
            if not spell.needs_crew:
                arranged.append(spell)
                continue
            if spell.at_s < down_until.get(target, -1.0):
                continue
            crews = free.setdefault(spell.site, [float("-inf")] * self.crews)
            done_s = max(spell.at_s, crews[0]) + spell.lasts_s
            heapq.heapreplace(crews, done_s)
            if spell.changes[0].kind == "state":
                down_until[target] = done_s
            arranged.append(replace(spell, lasts_s=done_s - spell.at_s))
        return arranged
