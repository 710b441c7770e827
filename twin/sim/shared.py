"""Settles that the arms of a comparison share.

Most of a window the plan's arms are in the state of the reference: before they act, and after they have undone it. In one
world, at one instant, equal states settle equally, so the second arm takes what the first one found. Bounded: beyond
`MAX_BYTES` nothing more is kept, which changes the time it takes and nothing else.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

MAX_BYTES = 256 * 2**20


class SharedSettles:
    """What was settled in one world so far, by (time, fingerprint of the state)."""

    def __init__(self) -> None:
        self._known: dict[Hashable, dict[str, Any]] = {}
        self._bytes = 0
        self.hits = 0

    def get(self, key: Hashable) -> dict[str, Any] | None:
        """Return what was found for a state, or None."""
        found = self._known.get(key)
        self.hits += found is not None
        return found

    def put(self, key: Hashable, found: dict[str, Any]) -> None:
        """Keep what was found, while there is room."""
        size = sum(_size(value) for value in found.values())
        if self._bytes + size <= MAX_BYTES:
            self._known[key] = found
            self._bytes += size


def _size(value: Any) -> int:
    if isinstance(value, np.ndarray):
        return value.nbytes
    return sum(_size(part) for part in vars(value).values()) if hasattr(value, "__dict__") else 64
