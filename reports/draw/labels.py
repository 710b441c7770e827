"""Words beside lines, placed where they cover neither boxes nor each other."""

from __future__ import annotations

from collections.abc import Callable

Point = tuple[float, float]
_TRIES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.2, 0.8, 0.15, 0.85)


class Placer:
    """Remembers what is taken (centre and size, in the units of the axes) and finds free places along a line."""

    def __init__(self) -> None:
        self._taken: list[tuple[Point, Point]] = []

    def take(self, centre: Point, size: Point) -> None:
        """Keep a rectangle free of words."""
        self._taken.append((centre, size))

    def place(self, along: Callable[[float], Point], size: Point) -> Point:
        """Return where on a line (from 0 to 1) words of a size may stand: as near to its middle as is free."""
        found = next((at for share in _TRIES if self._free(at := along(share), size)), along(0.5))
        self.take(found, size)
        return found

    def clear(self, at: Point, *, room: float = 0.0) -> bool:
        """Return whether a point lies outside of all that is taken, by *room* at least."""
        return self._free(at, (2 * room, 2 * room))

    def _free(self, centre: Point, size: Point) -> bool:
        return all(
            abs(centre[0] - other[0]) >= (size[0] + theirs[0]) / 2
            or abs(centre[1] - other[1]) >= (size[1] + theirs[1]) / 2
            for other, theirs in self._taken
        )
