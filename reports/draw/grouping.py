"""Things that are alike become one box, so that a thousand racks fit on a page."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.svg import short
from twin.model.names import compress, natural_key

TITLE = 29  # characters of a title that fit into a box


@dataclass(frozen=True)
class Item:
    """A thing of a layered drawing: what feeds it (in order), its level, and what makes it like others.

    Items of one `bundle` always share a box.
    """

    name: str
    level: int
    feeds: tuple[str, ...]
    like: Hashable = ""
    standby: bool = False
    bundle: Hashable = None


@dataclass(frozen=True)
class Group:
    """Items drawn as one box."""

    key: str
    level: int
    names: tuple[str, ...]
    feeds: tuple[str, ...]
    standby: bool

    @property
    def title(self) -> str:
        """Return the names in brackets, with their number when there are several."""
        if len(self.names) == 1:
            return self.names[0]
        count = f" ×{len(self.names):,}"
        names = sorted(self.names, key=natural_key)
        parts = compress(names)
        words = (
            parts[0]
            if len(parts) == 1 and len(parts[0]) + len(count) <= TITLE
            else f"{names[0]} … {names[-1]}"
        )
        return short(words, TITLE - len(count)) + count


def collapse(items: Sequence[Item], *, most: int) -> list[Group]:
    """Return one group per item or bundle; in columns with more than *most*, one per set of like siblings.

    Siblings hang on the same boxes. Columns are collapsed from the sources on; one that still holds too many
    loses the difference between siblings, too, the most numerous kind first.
    """
    group_of: dict[str, str] = {}
    found: list[Group] = []
    for level in sorted({item.level for item in items}):
        column = [item for item in items if item.level == level]
        for part in _fitting(column, group_of, most):
            key = part[0].name
            group_of.update({item.name: key for item in part})
            feeds = dict.fromkeys(group_of[feed] for item in part for feed in item.feeds if feed in group_of)
            names, standby = tuple(item.name for item in part), any(item.standby for item in part)
            found.append(Group(key, level, names, tuple(feeds), standby))
    return found


def _fitting(column: Sequence[Item], group_of: Mapping[str, str], most: int) -> list[list[Item]]:
    """Return the parts of a column; while there are too many, the kind with most of them is told apart less."""
    kinds: dict[Hashable, list[Item]] = {}
    for item in column:
        kinds.setdefault(item.like, []).append(item)
    coarseness = dict.fromkeys(kinds, 0)
    parts = {kind: _parts(items, 0, group_of) for kind, items in kinds.items()}
    while sum(map(len, parts.values())) > most:
        coarser = [kind for kind in kinds if coarseness[kind] < _COARSEST and len(parts[kind]) > 1]
        if not coarser:
            break
        kind = max(coarser, key=lambda kind: len(parts[kind]))
        coarseness[kind] += 1
        parts[kind] = _parts(kinds[kind], coarseness[kind], group_of)
    return [part for several in parts.values() for part in several]


_COARSEST = 2


def _parts(items: Sequence[Item], coarseness: int, group_of: Mapping[str, str]) -> list[list[Item]]:
    """Return items together: by bundle (0), by what they hang on (1), or all of them (2)."""
    parts: dict[Hashable, list[Item]] = {}
    for item in items:
        alone = item.name if item.bundle is None else item.bundle
        feeds = frozenset(group_of.get(feed, "") for feed in item.feeds)
        parts.setdefault((alone, feeds, None)[coarseness], []).append(item)
    return list(parts.values())


def levels(feeds: Mapping[str, Iterable[str]]) -> dict[str, int]:
    """Return how many steps each thing is away from its farthest source. Cost: O(things + feeds)."""
    found: dict[str, int] = {}
    for start in feeds:
        stack = [start]
        while stack:
            name = stack[-1]
            ahead = [feed for feed in feeds[name] if feed in feeds and feed not in found]
            # A fleet whose feeds form a circle is refused when it is read; here it must only not hang.
            if ahead and len(stack) <= len(feeds):
                stack += ahead
                continue
            found[name] = max((found[feed] + 1 for feed in feeds[name] if feed in found), default=0)
            stack.pop()
    return found
