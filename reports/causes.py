"""The chain of causes of a counter-example as a graph: what led to what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from twin.records.verdict import Happening

Role = Literal["plan", "world", "effect", "violation"]
ROLES: dict[Role, str] = {
    "plan": "the plan",
    "world": "the world",
    "effect": "effects",
    "violation": "violation",
}


def role(chain: Sequence[Happening], index: int) -> Role:
    """Return what a happening is: of the plan, of the world, an effect, or the violation at the end."""
    if chain[index].kind == "plan":
        return "plan"
    if index == len(chain) - 1:
        return "violation"
    return "world" if parents(chain)[index] < 0 else "effect"


def parents(chain: Sequence[Happening]) -> list[int]:
    """Return the index of each happening's nearest cause, -1 for a first cause.

    A cause that does not stand earlier in the chain was left out of it.
    """
    return [step.cause if -1 <= step.cause < index else -1 for index, step in enumerate(chain)]


def also(chain: Sequence[Happening], index: int) -> tuple[int, ...]:
    """Return the other happenings without which this one would not have happened."""
    return tuple(other for other in chain[index].also if 0 <= other < index)


def children(chain: Sequence[Happening]) -> list[list[int]]:
    """Return the indexes of what each happening led to, by the nearest cause."""
    found: list[list[int]] = [[] for _ in chain]
    for index, parent in enumerate(parents(chain)):
        if parent >= 0:
            found[parent].append(index)
    return found


def roots(chain: Sequence[Happening]) -> list[int]:
    """Return the first causes, in order."""
    return [index for index, parent in enumerate(parents(chain)) if parent < 0]


def places(chain: Sequence[Happening]) -> list[tuple[float, int]]:
    """Return the (column, row) of each happening in a drawing with the first causes on top.

    Every happening stands below all its causes; each last effect has a column of its own, and a cause stands
    above the middle of what it led to.
    """
    rows: list[int] = []
    for index, parent in enumerate(parents(chain)):
        rows.append(
            max((rows[cause] + 1 for cause in (parent, *also(chain, index)) if cause >= 0), default=0)
        )
    below, columns = children(chain), [0.0] * len(chain)
    taken = 0
    order = roots(chain)[::-1]
    visited = []
    while order:
        index = order.pop()
        visited.append(index)
        order += below[index][::-1]
        if not below[index]:
            columns[index] = float(taken)
            taken += 1
    for index in reversed(visited):
        if below[index]:
            columns[index] = sum(columns[child] for child in below[index]) / len(below[index])
    return list(zip(columns, rows, strict=True))
