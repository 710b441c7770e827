"""The chain of causes of a counter-example as a tree: what led to what."""

from __future__ import annotations

from collections.abc import Sequence

from twin.records.verdict import Happening


def parents(chain: Sequence[Happening]) -> list[int]:
    """Return the index of each happening's cause, -1 for a first cause.

    A cause that does not stand earlier in the chain was left out of it; the happening before takes its place.
    """
    return [step.cause if -1 <= step.cause < index else index - 1 for index, step in enumerate(chain)]


def children(chain: Sequence[Happening]) -> list[list[int]]:
    """Return the indexes of what each happening led to."""
    found: list[list[int]] = [[] for _ in chain]
    for index, parent in enumerate(parents(chain)):
        if parent >= 0:
            found[parent].append(index)
    return found


def roots(chain: Sequence[Happening]) -> list[int]:
    """Return the first causes, in order."""
    return [index for index, parent in enumerate(parents(chain)) if parent < 0]


def depths(chain: Sequence[Happening]) -> list[int]:
    """Return how many causes stand before each happening."""
    found: list[int] = []
    for parent in parents(chain):
        found.append(found[parent] + 1 if parent >= 0 else 0)
    return found


def rows(chain: Sequence[Happening]) -> list[int]:
    """Return the order of a tree drawing: each cause directly above what it led to (depth first)."""
    below, order = children(chain), []
    stack = roots(chain)[::-1]
    while stack:
        index = stack.pop()
        order.append(index)
        stack += below[index][::-1]
    return order
