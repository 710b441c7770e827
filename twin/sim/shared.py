"""Settles that the arms of a comparison share.

Most of a window the plan's arms are in the state of the reference: before they act, and after they have undone it. In one
world, at one instant, equal states settle equally, so the second arm takes what the first one found. Bounded: beyond
`MAX_BYTES` nothing more is kept, which changes the time it takes and nothing else.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from twin.sim.block import Block

MAX_BYTES = 256 * 2**20


class SharedSettles:
    """The blocks that were settled in one world so far, by (time, fingerprint of the state) of each of their columns."""

    def __init__(self) -> None:
        self._known: dict[Hashable, tuple[Block, int]] = {}
        self._bytes = 0
        self.hits = 0

    def get(self, keys: Sequence[Hashable]) -> Block | None:
        """Return the leading columns that one known block has; None if it lacks the first."""
        found = self._known.get(keys[0])
        if found is None:
            return None
        block, first = found
        last = first + 1
        for key in keys[1 : len(block) - first]:
            if self._known.get(key) != (block, last):
                break
            last += 1
        self.hits += last - first
        return block.part(first, last)

    def unknown(self, keys: Sequence[Hashable]) -> int:
        """How many leading keys are not known."""
        return next((i for i, key in enumerate(keys) if key in self._known), len(keys))

    def put(self, keys: Sequence[Hashable], block: Block) -> None:
        """Keep a block, while there is room."""
        if self._bytes + block.nbytes <= MAX_BYTES:
            self._bytes += block.nbytes
            kept = replace(block, supplies=())
            self._known.update((key, (kept, i)) for i, key in enumerate(keys[: len(block)]))
