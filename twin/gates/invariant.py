"""Invariant: never, in any world that was tried.

An invariant is no statistics: one violation fails it, and a pass is a statement about the worlds that were
tried and about no others. It passes at the first look when clean, and it cannot be waived.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from twin.model.limits import Limit

METHOD = "every tried world; says nothing about others"


@dataclass(frozen=True)
class Invariance:
    """What was seen: the violations that count, as (world, name), in the order of the worlds."""

    result: Literal["pass", "fail"]
    n: int
    violations: tuple[tuple[int, str], ...]
    method: str = METHOD


def assess_invariant(
    plan: Sequence[frozenset[str]], reference: Sequence[frozenset[str]], limit: Limit
) -> Invariance:
    """Judge the names of the violations in each world, under the plan and under the reference.

    `none` counts every violation of the plan, `none new` only those that the reference lacks in its world.
    """
    if limit.op not in ("none", "none new"):
        raise ValueError(f"an invariant takes 'none' or 'none new', not '{limit}'")
    if not plan or len(plan) != len(reference):
        raise ValueError(f"{len(plan)} worlds of the plan do not pair with {len(reference)} of the reference")
    excused = reference if limit.op == "none new" else [frozenset[str]()] * len(plan)
    violations = tuple(
        (world, name)
        for world, (seen, known) in enumerate(zip(plan, excused, strict=True))
        for name in sorted(seen - known)
    )
    return Invariance("fail" if violations else "pass", len(plan), violations)
