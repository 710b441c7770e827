"""The layout rule, first part: nodes into racks, racks into rows, rows into power blocks. All *assumed*.

A foreign inventory lists nodes and says nothing of where they stand. The rule: nodes are sorted by owner
(the GPU model) and name; a rack takes nodes of one owner until its height, its power budget or
`servers_per_rack` is reached; `racks_per_row` racks make a row; rows fill power blocks of at most
`BLOCK_VA`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from twin.model.names import natural_key
from twin.model.power import Rack
from twin.model.servers import ServerGroup, ServerType
from twin.sync.options import Options

RACK_U = 42
TOR_U = 2
TOR_W = 150.0
RACK_BUDGET_W = 16_000.0
BLOCK_VA = 2_000_000.0  # what one UPS path of the largest standard size carries alone


@dataclass(frozen=True)
class Node:
    """A server of the inventory, with the name of its type and of the reservation that owns it."""

    name: str
    type: str
    owner: str


@dataclass(frozen=True)
class RackPlan:
    """A rack of the layout: its nodes, and what they draw at most (W, and VA on the peak)."""

    name: str
    row: str
    nodes: tuple[Node, ...]
    max_w: float
    peak_va: float


@dataclass(frozen=True)
class Floor:
    """The racks of a site, in order, and its rows by power block."""

    site: str
    racks: tuple[RackPlan, ...]
    blocks: tuple[tuple[str, ...], ...]

    @property
    def rows(self) -> tuple[str, ...]:
        """Names of the rows, in order."""
        return tuple(row for block in self.blocks for row in block)

    def in_row(self, row: str) -> tuple[RackPlan, ...]:
        """Return the racks of a row."""
        return tuple(rack for rack in self.racks if rack.row == row)


def lay_out(site: str, nodes: Iterable[Node], types: dict[str, ServerType], options: Options) -> Floor:
    """Return where the nodes of a site stand. Cost: one sort and one pass."""
    ordered = sorted(nodes, key=lambda node: (node.owner, natural_key(node.name)))
    packed = [
        rack
        for _, owned in groupby(ordered, key=lambda node: node.owner)
        for rack in _pack(list(owned), types, options.servers_per_rack)
    ]
    width = len(str(max(1, -(-len(packed) // options.racks_per_row))))
    racks = []
    for index, chosen in enumerate(packed):
        row = f"{site}-r{index // options.racks_per_row + 1:0{max(2, width)}d}"
        racks.append(_rack(f"{row}-{index % options.racks_per_row + 1:02d}", row, chosen, types))
    return Floor(site, tuple(racks), _blocks(racks))


def racks_and_groups(floor: Floor, feeds: dict[str, tuple[str, str]]) -> tuple[list[Rack], list[ServerGroup]]:
    """Return the records of a floor; `feeds` are the two panels of each row."""
    racks = [
        Rack(
            name=rack.name,
            site=floor.site,
            row=rack.row,
            fed_by=feeds[rack.row],
            switches=(tor(rack.name),),
            budget_w=RACK_BUDGET_W,
            space_u=RACK_U,
        )
        for rack in floor.racks
    ]
    groups = [
        ServerGroup(
            name=group_name(rack.name, type_name), rack=rack.name, type=type_name, owner=owner, count=count
        )
        for rack in floor.racks
        for (type_name, owner), count in Counter((node.type, node.owner) for node in rack.nodes).items()
    ]
    return racks, groups


def tor(rack: str) -> str:
    """Return the name of a rack's top-of-rack switch."""
    return f"{rack}-tor"


def group_name(rack: str, type_name: str) -> str:
    """Return the name of the servers of a type in a rack."""
    return f"{rack}-{type_name}"


def _pack(nodes: Sequence[Node], types: dict[str, ServerType], limit: int | None) -> list[list[Node]]:
    """Next fit: a rack is closed when the next node does not fit (one node always does)."""
    racks: list[list[Node]] = []
    used_u, used_w = 0, 0.0
    for node in nodes:
        kind = types[node.type]
        height_u, power_w = kind.height_u, kind.max_w or 0.0
        full = (
            not racks
            or used_u + height_u > RACK_U - TOR_U
            or used_w + power_w > RACK_BUDGET_W - TOR_W
            or (limit is not None and len(racks[-1]) >= limit)
        )
        if full:
            racks.append([])
            used_u, used_w = 0, 0.0
        racks[-1].append(node)
        used_u, used_w = used_u + height_u, used_w + power_w
    return racks


def _rack(name: str, row: str, nodes: Sequence[Node], types: dict[str, ServerType]) -> RackPlan:
    kinds = [types[node.type] for node in nodes]
    peak_va = sum((kind.max_w or 0.0) * kind.peak_factor / kind.power_factor for kind in kinds)
    return RackPlan(
        name, row, tuple(nodes), sum(kind.max_w or 0.0 for kind in kinds) + TOR_W, peak_va + TOR_W
    )


def _blocks(racks: Sequence[RackPlan]) -> tuple[tuple[str, ...], ...]:
    blocks: list[list[str]] = []
    load_va = 0.0
    for row, members in groupby(racks, key=lambda rack: rack.row):
        row_va = sum(rack.peak_va for rack in members)
        if not blocks or load_va + row_va > BLOCK_VA:
            blocks.append([])
            load_va = 0.0
        blocks[-1].append(row)
        load_va += row_va
    return tuple(tuple(block) for block in blocks)
