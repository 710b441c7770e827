"""What a plan for stranded power changes, rack by rack, and the steps that do it.

A swap is two steps of `capacity.move`, one after the other. The owner whose servers draw less lends first, so that the one whose
servers draw more never has fewer than before; until it gets them back the lender lacks the servers of one rack.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np

from solvers.formulations.power import Terms, Variables
from solvers.formulations.power_swaps import swaps_on_limits
from solvers.highs import Answer
from solvers.power_problem import PowerProblem
from solvers.proposal import Step
from twin.graph.analysis_chain import rack_loads
from twin.graph.levels import Floats, Ints
from twin.model.fleet import Fleet
from twin.model.names import compress


@dataclasses.dataclass(frozen=True)
class Change:
    """Racks of one class that are fed by other units (`feeds`), or capped at `limit_w` together; or a swap of two racks.

    In a swap `count` servers of type `kind` in `racks` go from the first of the `owners` to the second, and as many in `others`
    back.
    """

    racks: tuple[str, ...]
    feeds: tuple[str, ...] = ()
    limit_w: float = 0.0
    others: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    kind: str = ""
    count: int = 0

    @property
    def what(self) -> str:
        """Return the kind of change in a word."""
        return "swap" if self.others else "cap" if self.limit_w else "refeed"

    @property
    def touched(self) -> tuple[str, ...]:
        """Return all racks that change."""
        return self.racks + self.others


def changes_of(
    fleet: Fleet, problem: PowerProblem, terms: Terms, answer: Answer, v: Variables
) -> list[Change]:
    """Return what the answer changes: caps, then one after the other whatever breaks no limit after those before it.

    That looks one change ahead: where nothing fits, what fits best comes next, and an order that needs a detour is not found.
    The last racks of a class are moved, the first ones capped, those after them swapped. Cost: limits x changes, or its square.
    """
    if answer.x is None:
        return []
    on, capped, swapped = (np.round(answer.x[i]).astype(np.int64) for i in (v.on, v.capped, v.swapped))
    left = [list(one.racks) for one in problem.classes]
    found = list(_refed(problem, left, on))
    for r in np.flatnonzero(capped):
        racks, left[r] = tuple(left[r][: capped[r]]), left[r][capped[r] :]
        limit_w = (1.0 - terms.depth) * sum(servers_w(fleet, rack) for rack in racks)
        home = int(np.flatnonzero(problem.home & (problem.option_class == r))[0])
        effect = -terms.depth * len(racks) * problem.on_limit(home)
        found.append((Change(racks, limit_w=limit_w), effect))
    found += _swapped(problem, left, swapped)
    return _in_order(problem, found)


def steps_of(made: Sequence[Change]) -> Iterator[Step]:
    """Yield the steps, one after the other."""
    before = ""
    for number, change in enumerate(made, 1):
        for name, do, params in _steps(change):
            when: Step = {"after": [before]} if before else {"at": "0 min"}
            before = f"{change.what}-{number}{name}"
            yield {"id": before, "do": do, **when, "params": params}


def servers_w(fleet: Fleet, rack: str) -> float:
    """Return the nameplate of the servers of a rack: what a cap is a part of."""
    without = fleet.things[rack][1].model_copy(update={"switches": ()})
    alone = fleet.model_copy(
        update={
            "racks": (without,),
            "switches": (),
            "server_groups": tuple(group for group in fleet.server_groups if group.rack == rack),
        }
    )
    return rack_loads(alone)[rack][1]


def _steps(change: Change) -> Iterator[tuple[str, str, Step]]:
    """Yield the end of the name, the action and the parameters of each step of a change."""
    if change.what == "cap":
        yield "", "power.cap@1", {"racks": compress(list(change.racks)), "limit": f"{change.limit_w:.6g} W"}
    elif change.what == "refeed":
        yield "", "rack.refeed@1", {"racks": compress(list(change.racks)), "feeds": list(change.feeds)}
    else:
        for name, racks, (giver, taker) in (
            ("-lend", change.racks, change.owners),
            ("-return", change.others, change.owners[::-1]),
        ):
            params = {"from": giver, "to": taker, "type": change.kind, "count": change.count}
            yield name, "capacity.move@1", {**params, "racks": compress(list(racks))}


def _refed(problem: PowerProblem, left: list[list[str]], on: Ints) -> Iterator[tuple[Change, Floats]]:
    for option in np.flatnonzero(~problem.home & (on > 0)):
        r, feed = problem.option_class[option], problem.option_feed[option]
        home = int(np.flatnonzero(problem.home & (problem.option_class == r))[0])
        racks = tuple(sorted(left[r].pop() for _ in range(on[option])))
        effect = len(racks) * (problem.on_limit(int(option)) - problem.on_limit(home))
        yield Change(racks, problem.feeds[feed].units), effect


def _swapped(problem: PowerProblem, left: list[list[str]], swapped: Ints) -> Iterator[tuple[Change, Floats]]:
    """Yield each pair of racks alone: one owner never lacks the servers of more than one rack."""
    swaps, effects = problem.swaps, swaps_on_limits(problem, np.arange(len(problem.unit)))
    for j in np.flatnonzero(swapped):
        lends = int(np.argmax(swaps.more_w[j]))
        for _ in range(swapped[j]):
            swap = swaps.each[j]
            pair = [(left[r].pop(0),) for r in swap.classes]
            change = Change(
                pair[lends],
                others=pair[1 - lends],
                owners=(swap.owners[lends], swap.owners[1 - lends]),
                kind=swap.kind,
                count=swap.count,
            )
            yield change, effects[:, j]


def _in_order(problem: PowerProblem, found: Sequence[tuple[Change, Floats]]) -> list[Change]:
    """Return caps, then always the first change that fits the limits after those before it, else the one that fits best.

    A swap counts when it is done: between its two steps the servers of both racks belong to the owner that draws more.
    """
    rest = sorted(found, key=lambda pair: pair[0].what != "cap")
    load, most = problem.used.copy(), np.maximum(problem.left, problem.used)
    made = []
    while rest:
        best, least = 0, np.inf
        for i, (_, effect) in enumerate(rest):
            over = float(np.maximum(load + effect - most * (1 + 1e-9), 0.0).sum())
            if over < least:
                best, least = i, over
            if over == 0.0:
                break
        change, effect = rest.pop(best)
        load += effect
        made.append(change)
    return made
