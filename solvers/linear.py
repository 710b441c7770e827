"""One description of a linear model: columns and rows in named blocks, kept as arrays.

A formulation writes it block by block; `to_pyomo` (solvers/pyomo_model.py) renders it for people and for small instances, and
`Highs` (solvers/highs.py) takes the same arrays without a detour. A *block* is what a symbol or a constraint of a paper is: all
its members have one name and a label each, which is only spelled out when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array

from twin.model.errors import FleetwinError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
INFINITY = float("inf")


@dataclass(frozen=True)
class Axis:
    """One part of the labels of a block: member i is called `names[codes[i]]` (`names[i]` without codes)."""

    names: Sequence[str]
    codes: Ints | None = None

    def label(self, i: int) -> str:
        """Return the part of the label of member *i*."""
        return self.names[i if self.codes is None else int(self.codes[i])]


@dataclass(frozen=True)
class Block:
    """Columns or rows `first` to `first + size`, all called `name`; `text` is the formula in words or symbols."""

    name: str
    first: int
    size: int
    axes: tuple[Axis, ...] = ()
    text: str = ""

    def label(self, i: int) -> tuple[str, ...]:
        """Return the label of member *i*: ("ams1-b/compute", "web")."""
        return tuple(axis.label(i) for axis in self.axes) if self.axes else (str(i),)

    @property
    def members(self) -> slice:
        """Return where the members of the block stand."""
        return slice(self.first, self.first + self.size)


# Where a coefficient stands within the block of rows, in which column, and what it is; broadcast against each other.
Term = tuple[ArrayLike, ArrayLike, ArrayLike]


@dataclass(frozen=True)
class LinearProgram:
    """min cost · x + offset, row_lower ≤ matrix · x ≤ row_upper, lower ≤ x ≤ upper, x[integer] whole.

    Arrays of N columns and M rows; `matrix` is `[M, N]`. Frozen: another right-hand side is another program, or a change that
    the solver is told of (`Highs.change_rows`).
    """

    name: str
    cost: Floats
    lower: Floats
    upper: Floats
    integer: Bools
    matrix: csr_array
    row_lower: Floats
    row_upper: Floats
    column_blocks: tuple[Block, ...]
    row_blocks: tuple[Block, ...]
    offset: float = 0.0

    def columns(self, name: str) -> slice:
        """Return the columns of a block."""
        return _find(self.column_blocks, name).members

    def rows(self, name: str) -> slice:
        """Return the rows of a block."""
        return _find(self.row_blocks, name).members

    def has_rows(self, name: str) -> bool:
        """Tell whether the model has a block of rows of that name."""
        return any(block.name == name for block in self.row_blocks)

    def row_name(self, row: int) -> str:
        """Return the full name of a row: "power[ams1-msb-3]"."""
        return _spelled(self.row_blocks, row)

    def column_name(self, column: int) -> str:
        """Return the full name of a column."""
        return _spelled(self.column_blocks, column)

    def only(self, rows: Iterable[str]) -> LinearProgram:
        """Return the program with these blocks of rows alone, in the order of the model."""
        wanted = set(rows)
        blocks = [block for block in self.row_blocks if block.name in wanted]
        kept = np.concatenate([np.arange(b.first, b.first + b.size) for b in blocks] or [np.zeros(0, int)])
        firsts = np.cumsum([0, *(block.size for block in blocks)])
        moved = tuple(
            Block(b.name, int(f), b.size, b.axes, b.text) for b, f in zip(blocks, firsts, strict=False)
        )
        return LinearProgram(
            self.name,
            self.cost,
            self.lower,
            self.upper,
            self.integer,
            csr_array(self.matrix[kept]),
            self.row_lower[kept],
            self.row_upper[kept],
            self.column_blocks,
            moved,
            self.offset,
        )


class LinearModel:
    """A program being written. Functions of a formulation add one block each; `build` freezes it."""

    def __init__(self, name: str) -> None:
        self.name, self.offset = name, 0.0
        self._columns: list[tuple[Block, Floats, Floats, Floats, bool]] = []
        self._rows: list[tuple[Block, Floats, Floats]] = []
        self._entries: list[tuple[Ints, Ints, Floats]] = []
        self._width = self._height = 0

    def columns(
        self,
        name: str,
        axes: Sequence[Axis] | int,
        *,
        lower: ArrayLike = 0.0,
        upper: ArrayLike = INFINITY,
        cost: ArrayLike = 0.0,
        integer: bool = False,
    ) -> Ints:
        """Add a block of columns and return their numbers; its size is that of the first axis (or the number given)."""
        block = _block(name, axes, self._width)
        size = block.size
        self._columns.append(
            (block, _spread(cost, size), _spread(lower, size), _spread(upper, size), integer)
        )
        self._width += size
        return np.arange(block.first, block.first + size)

    def rows(
        self,
        name: str,
        axes: Sequence[Axis] | int,
        terms: Iterable[Term],
        *,
        lower: ArrayLike = -INFINITY,
        upper: ArrayLike = INFINITY,
        text: str = "",
    ) -> Ints:
        """Add a block of rows: lower ≤ Σ of the terms ≤ upper; return their numbers. Terms of one cell add up."""
        block = _block(name, axes, self._height, text)
        for row, column, value in terms:
            at, col, coefficient = np.broadcast_arrays(np.asarray(row), np.asarray(column), np.asarray(value))
            self._entries.append(
                (
                    at.ravel().astype(np.int64) + block.first,
                    col.ravel().astype(np.int64),
                    coefficient.ravel().astype(np.float64),
                )
            )
        self._rows.append((block, _spread(lower, block.size), _spread(upper, block.size)))
        self._height += block.size
        return np.arange(block.first, block.first + block.size)

    def build(self) -> LinearProgram:
        """Freeze the program. Raises ModelError for numbers that no model can have (all of them at once)."""
        entries = self._entries or [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
        row, column, value = (np.concatenate(part) for part in zip(*entries, strict=True))
        matrix = csr_array((value, (row, column)), shape=(self._height, self._width))
        matrix.eliminate_zeros()
        matrix.sort_indices()
        program = LinearProgram(
            name=self.name,
            cost=_joined(cost for _, cost, *_ in self._columns),
            lower=_joined(lower for _, _, lower, *_ in self._columns),
            upper=_joined(upper for *_, upper, _ in self._columns),
            integer=np.repeat(
                np.array([whole for *_, whole in self._columns], dtype=bool),
                np.array([block.size for block, *_ in self._columns], dtype=np.int64),
            ),
            matrix=matrix,
            row_lower=_joined(lower for _, lower, _ in self._rows),
            row_upper=_joined(upper for *_, upper in self._rows),
            column_blocks=tuple(block for block, *_ in self._columns),
            row_blocks=tuple(block for block, *_ in self._rows),
            offset=self.offset,
        )
        problems = list(_impossible(program))
        if problems:
            raise ModelError(f"the {self.name} model is not one: " + "; ".join(problems))
        return program


class ModelError(FleetwinError):
    """A model that cannot be solved for what it says: not a number, bounds that cross, empty rows that must hold."""


def block_name(text: str) -> str:
    """Return the name of a block for words: letters, digits and underscores ("spare_servers")."""
    return "".join(letter if letter.isalnum() else "_" for letter in text)


def running(width: Ints) -> Ints:
    """Return 0, 1, ... w - 1 for each width w, one after the other."""
    ends = np.cumsum(width)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - width, width)


def _impossible(program: LinearProgram) -> Iterator[str]:
    """Yield what is wrong with the numbers of a program, at most three places each."""
    numbers = [
        ("cost", ~np.isfinite(program.cost), program.column_name),
        ("bounds", _crossed(program.lower, program.upper), program.column_name),
        ("limits", _crossed(program.row_lower, program.row_upper), program.row_name),
    ]
    for what, wrong, name in numbers:
        places = np.flatnonzero(wrong)
        if len(places):
            yield f"{what} of {', '.join(name(int(i)) for i in places[:3])} ({len(places)} in all)"
    if not np.isfinite(program.matrix.data).all():
        yield "coefficients that are not finite"


def _crossed(lower: Floats, upper: Floats) -> Bools:
    """Tell between which sides there is no number at all."""
    crossed: Bools = ~(lower <= upper) | (lower == INFINITY) | (upper == -INFINITY)
    return crossed


def _block(name: str, axes: Sequence[Axis] | int, first: int, text: str = "") -> Block:
    if isinstance(axes, int):
        return Block(name, first, axes, (), text)
    lead = axes[0]
    return Block(name, first, len(lead.names) if lead.codes is None else len(lead.codes), tuple(axes), text)


def _find(blocks: tuple[Block, ...], name: str) -> Block:
    for block in blocks:
        if block.name == name:
            return block
    raise KeyError(f"no block {name!r}; there are {', '.join(block.name for block in blocks)}")


def _spelled(blocks: tuple[Block, ...], number: int) -> str:
    block = next(block for block in blocks if block.first <= number < block.first + block.size)
    return f"{block.name}[{', '.join(block.label(number - block.first))}]"


def _spread(value: ArrayLike, size: int) -> Floats:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=np.float64), (size,)))


def _joined(parts: Iterable[Floats]) -> Floats:
    listed = list(parts)
    return np.concatenate(listed) if listed else np.zeros(0)
