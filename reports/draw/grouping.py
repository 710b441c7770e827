"""Things that are alike become one box, so that a thousand racks fit on a page."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from twin.model.names import compress, natural_key


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
        parts = compress(sorted(self.names, key=natural_key))
        words = parts[0] if len(parts) == 1 else f"{parts[0]}, …"
        return f"{words} ×{len(self.names):,}"


def collapse(items: Sequence[Item], *, most: int) -> list[Group]:
    """Return one group per item or bundle; in columns with more than *most*, one per set of like siblings.

    Siblings hang on the same boxes. Columns are collapsed from the sources on; one that still holds too many
    is collapsed by what is alike alone.
    """
    group_of: dict[str, str] = {}
    found: list[Group] = []
    for level in sorted({item.level for item in items}):
        column = [item for item in items if item.level == level]
        for how in (_alone, _siblings(group_of), _kind):
            parts = _parts(column, how)
            if len(parts) <= most:
                break
        for part in parts:
            key = part[0].name
            group_of.update({item.name: key for item in part})
            feeds = dict.fromkeys(group_of[feed] for item in part for feed in item.feeds if feed in group_of)
            found.append(
                Group(
                    key,
                    level,
                    tuple(item.name for item in part),
                    tuple(feeds),
                    any(item.standby for item in part),
                )
            )
    return found


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


_Key = Callable[[Item], Hashable]


def _alone(item: Item) -> Hashable:
    return item.name if item.bundle is None else item.bundle


def _siblings(group_of: dict[str, str]) -> _Key:
    return lambda item: (item.like, frozenset(group_of.get(feed, "") for feed in item.feeds))


def _kind(item: Item) -> Hashable:
    return item.like


def _parts(column: Sequence[Item], key: _Key) -> list[list[Item]]:
    parts: dict[Hashable, list[Item]] = {}
    for item in column:
        parts.setdefault(key(item), []).append(item)
    return list(parts.values())
