"""Topology Zoo networks in the format of Repetita: a .graph file, and a .demands file beside it.

Lines of a .graph: `NODES n`, a header, n x `label x y` (longitude, latitude); `EDGES m`, a header, m x
`label src dest weight bw delay` (kbit/s, µs; one line per direction). Lines of a .demands: `DEMANDS n`, a
header, n x `label src dest bw` (kbit/s).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from twin.model.errors import Problem, TraceError, UsageError, did_you_mean
from twin.sync.account import Account, Imported
from twin.sync.backbone import build_backbone
from twin.sync.foreign import MAX_PROBLEMS, Column, Line, amount, count, decode, read_cells, real, text
from twin.sync.options import Options
from twin.sync.surroundings import surroundings
from twin.sync.topology import (
    Edge,
    Topology,
    Vertex,
    check_rate,
    geographic,
    merge_demands,
    site_names,
    two_way,
)

KBPS = 1e3
MICROSECOND_S = 1e-6
VARIANTS = ("unary", "inverseCapacity")  # folders that differ in link weights only, which are not read
_NODE = (Column("label", text), Column("x", real), Column("y", real))
_EDGE = (
    Column("label", text),
    Column("src", count),
    Column("dest", count),
    Column("weight", real),
    Column("bw", amount),
    Column("delay", amount),
)
_DEMAND = (Column("label", text), Column("src", count), Column("dest", count), Column("bw", amount))


def import_topologyzoo(data: Path, options: Options) -> Imported:
    """Return the fleet of a Repetita network; raise TraceError with every problem of its files."""
    graph = _graph_file(data, options.network)
    demand_file = options.demands or _demand_file(graph)
    account, problems = Account(f"topologyzoo ({graph.name})"), list[Problem]()
    nodes, edges, demands = _Section(_NODE), _Section(_EDGE), _Section(_DEMAND)
    _read(graph, {"NODES": nodes, "EDGES": edges}, problems)
    if demand_file:
        _read(demand_file, {"DEMANDS": demands}, problems)
    for row in (*edges.rows, *demands.rows):
        _check_ends(row, nodes.seen, problems)
        check_rate(f"{row.where} bw", row["bw"] * KBPS, problems)
    if problems:
        raise TraceError(problems)
    account.read(len(nodes.rows), "nodes")
    links = two_way(_edges(edges.rows, account), account)
    source = f"of {demand_file.name}" if demand_file else "there is no .demands file"
    account.read(len(demands.rows), "demands", source)
    traffic = merge_demands([((row["src"], row["dest"]), row["bw"] * KBPS) for row in demands.rows], account)
    names = site_names([row["label"] for row in nodes.rows], account)
    vertices = [Vertex(name, (row["y"], row["x"])) for name, row in zip(names, nodes.rows, strict=True)]
    topology = Topology(graph.stem, "Topology Zoo (Repetita)", geographic(vertices, account), links, traffic)
    around = surroundings(options, graph.parent.parent, account)
    return build_backbone(topology, around, options=options, account=account)


@dataclass
class _Section:
    """One section of a file while it is read: what it announced, how many rows came, and the good ones."""

    columns: Sequence[Column]
    announced: int | None = None
    header: list[str] = field(default_factory=list)
    seen: int = 0
    rows: list[Line] = field(default_factory=list)

    def take(self, where: str, line: str, problems: list[Problem]) -> None:
        """Take one line: the header, then rows."""
        words = line.split()
        if not self.header:
            self.header = words
            missing = [column.name for column in self.columns if column.name not in words]
            problems += [
                Problem(where, f"there is no column {name!r}", f"the columns are {line}") for name in missing
            ]
            return
        self.seen += 1
        if len(words) != len(self.header):
            problems.append(Problem(where, f"has {len(words)} words, its header {len(self.header)}"))
            return
        row = read_cells(where, dict(zip(self.header, words, strict=True)), self.columns, problems)
        self.rows += [row] if row else []


def _graph_file(data: Path, network: str | None) -> Path:
    if not data.is_dir():
        return data
    folders = [data, *(data / variant for variant in VARIANTS)]
    found = {path.stem: path for folder in reversed(folders) for path in folder.glob("*.graph")}
    if network in found:
        return found[network]
    known = sorted(found)
    if network is None:
        raise UsageError(
            f"{data} is a folder: name one with --network ({', '.join(known) or 'it has no .graph files'})"
        )
    mend = did_you_mean(network, known) or f"one of {', '.join(known)}"
    raise UsageError(f"there is no network {network!r} in {data} ({mend})")


def _demand_file(graph: Path) -> Path | None:
    """Return the first set of demands beside a graph: Abilene.0000.demands for Abilene.graph."""
    return min(graph.parent.glob(f"{graph.stem}.*demands"), default=None)


def _read(path: Path, sections: dict[str, _Section], problems: list[Problem]) -> None:
    """Fill the sections of a file; append what is wrong with it."""
    found: list[Problem] = []
    section: _Section | None = None
    for number, line in enumerate(decode(path, found).splitlines(), start=1):
        words = line.split()
        if len(words) == 2 and words[0] in sections and words[1].isdecimal():
            section = sections[words[0]]
            section.announced = int(words[1])
        elif words and section is None:
            mend = f"a file starts with {next(iter(sections))} and their number"
            found.append(Problem(f"{path}:{number}", f"starts with {words[0]!r}", mend))
            break
        elif words and section is not None:
            section.take(f"{path}:{number}", line, found)
    problems += [*found, *_incomplete(path, sections, found)][:MAX_PROBLEMS]


def _incomplete(path: Path, sections: dict[str, _Section], found: Sequence[Problem]) -> Iterator[Problem]:
    for name, section in sections.items():
        if section.announced is None and not found:
            yield Problem(str(path), f"there is no section {name}")
        elif section.announced is not None and section.announced != section.seen:
            what = f"announces {section.announced} {name} and has {section.seen}"
            yield Problem(str(path), what, "is it truncated?")


def _check_ends(row: Line, nodes: int, problems: list[Problem]) -> None:
    for end in ("src", "dest"):
        if row[end] >= nodes:
            mend = f"nodes are numbered 0 to {nodes - 1}"
            problems.append(Problem(f"{row.where} {end}", f"there is no node {row[end]}", mend))


def _edges(rows: Sequence[Line], account: Account) -> list[Edge]:
    loops = [row for row in rows if row["src"] == row["dest"]]
    empty = [row for row in rows if row["src"] != row["dest"] and not row["bw"]]
    good = [row for row in rows if row["src"] != row["dest"] and row["bw"]]
    account.read(len(rows), "edges", "one per direction; their weights are not read")
    account.dropped(len(loops), "edges", "they join a node to itself")
    account.dropped(len(empty), "edges", "no bandwidth")
    return [Edge(row["src"], row["dest"], row["bw"] * KBPS, row["delay"] * MICROSECOND_S) for row in good]
