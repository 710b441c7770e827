"""What a plan may touch, and whether what it does touch lies inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from twin.actions.base import Objection
from twin.model.errors import did_you_mean
from twin.model.fleet import SINGULAR, Fleet
from twin.model.names import BracketError, compress, expand


@dataclass(frozen=True)
class Allowed:
    """The things that a scope names, and the sites of which it allows everything."""

    names: frozenset[str]
    sites: frozenset[str]

    def covers(self, lock: str, fleet: Fleet) -> bool:
        """Return whether a lock ("rack:ams1-b01") is allowed; a link between sites when both of them are."""
        kind, _, name = lock.partition(":")
        if name in self.names:
            return True
        if kind == "link":
            link = fleet.things[name][1]
            return {fleet.site_of(link.a), fleet.site_of(link.b)} <= self.sites
        return fleet.site_of(name) in self.sites


def read_scope(touch: Sequence[str], fleet: Fleet) -> tuple[Allowed, list[tuple[int, Objection]]]:
    """Return what a scope allows, and what is wrong in it, with the index of the entry at fault."""
    names: set[str] = set()
    sites: set[str] = set()
    wrong = []
    for index, text in enumerate(touch):
        try:
            references = expand(text)
        except BracketError as error:
            wrong.append((index, Objection("scope", error.what, error.mend)))
            continue
        unknown = []
        for reference in references:
            try:
                kind, row = fleet.find(reference)
            except KeyError:
                unknown.append(reference)
                continue
            names.add(row.name)
            sites.update(_sites(kind, row.name, fleet))
        if unknown:
            wrong.append((index, _unknown(unknown, fleet)))
    return Allowed(frozenset(names), frozenset(sites)), wrong


def _sites(kind: str, name: str, fleet: Fleet) -> Iterator[str]:
    if kind == "sites":
        yield name
    elif kind == "regions":
        yield from (site.name for site in fleet.sites if site.region == name)


def _unknown(references: Sequence[str], fleet: Fleet) -> Objection:
    prefix, _, name = references[0].rpartition(":")
    if name in fleet.things:
        kind = SINGULAR[fleet.things[name][0]]
        return Objection("reference", f"{name!r} is a {kind}, not a {prefix}", f"write {kind}:{name}")
    mend = did_you_mean(name, list(fleet.things)) or "name things of the fleet"
    return Objection(
        "reference", f"there is nothing named {', '.join(compress(references))} in the fleet", mend
    )
