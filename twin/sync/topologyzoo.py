"""Topology Zoo networks in the format of Repetita: a .graph file, and a .demands file beside it.

Lines of a .graph: `NODES n`, a header, n x `label x y` (longitude, latitude); `EDGES m`, a header, m x
`label src dest weight bw delay` (kbit/s, µs; one line per direction). Lines of a .demands: `DEMANDS n`, a
header, n x `label src dest bw` (kbit/s).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from twin.model.errors import Problem, TraceError, UsageError, did_you_mean
from twin.sync.account import Account, Imported
from twin.sync.backbone import build_backbone
from twin.sync.foreign import Column, Line, amount, count, decode, read_cells, real, text
from twin.sync.options import Options
from twin.sync.surroundings import surroundings
from twin.sync.topology import Edge, Topology, Vertex, geographic, merge_demands, site_names, two_way

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
    nodes, edges = _read(graph, {"NODES": _NODE, "EDGES": _EDGE}, problems)
    (demands,) = _read(demand_file, {"DEMANDS": _DEMAND}, problems) if demand_file else ([],)
    for row in (*edges, *demands):
        for end in ("src", "dest"):
            if row[end] >= len(nodes):
                what = f"there is no node {row[end]}"
                problems.append(
                    Problem(f"{row.where} {end}", what, f"nodes are numbered 0 to {len(nodes) - 1}")
                )
    if problems:
        raise TraceError(problems)
    account.read(len(nodes), "nodes")
    links = two_way(_edges(edges, account), account)
    account.read(
        len(demands), "demands", f"of {demand_file.name}" if demand_file else "there is no .demands file"
    )
    traffic = merge_demands([((row["src"], row["dest"]), row["bw"] * KBPS) for row in demands], account)
    names = site_names([row["label"] for row in nodes], account)
    vertices = [Vertex(name, (row["y"], row["x"])) for name, row in zip(names, nodes, strict=True)]
    topology = Topology(graph.stem, "Topology Zoo (Repetita)", geographic(vertices, account), links, traffic)
    around = surroundings(options, graph.parent.parent, account)
    return build_backbone(topology, around, options=options, account=account)


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


def _read(path: Path, sections: dict[str, Sequence[Column]], problems: list[Problem]) -> list[list[Line]]:
    """Return the rows of each section of a file, in the order of *sections*."""
    rows: dict[str, list[Line]] = {name: [] for name in sections}
    expected: dict[str, int] = {}
    seen: dict[str, int] = dict.fromkeys(sections, 0)
    section, header = "", list[str]()
    for number, line in enumerate(decode(path, problems).splitlines(), start=1):
        words = line.split()
        where = f"{path}:{number}"
        if not words:
            continue
        if words[0] in sections and len(words) == 2 and words[1].isdigit():
            section, header, expected[words[0]] = words[0], [], int(words[1])
        elif not section:
            problems.append(
                Problem(where, f"starts with {words[0]!r}", f"a file starts with {' n or '.join(sections)} n")
            )
            return list(rows.values())
        elif not header:
            header = words
            missing = [column.name for column in sections[section] if column.name not in header]
            problems += [
                Problem(where, f"there is no column {name!r}", f"the columns are {line}") for name in missing
            ]
            if missing:
                return list(rows.values())
        else:
            seen[section] += 1
            if len(words) != len(header):
                problems.append(Problem(where, f"has {len(words)} words, its header {len(header)}"))
                continue
            row = read_cells(where, dict(zip(header, words, strict=True)), sections[section], problems)
            rows[section] += [row] if row else []
    _check_complete(path, expected, seen, problems)
    return list(rows.values())


def _check_complete(
    path: Path, expected: dict[str, int], seen: dict[str, int], problems: list[Problem]
) -> None:
    for name, number in seen.items():
        if name not in expected:
            if not any(problem.where.startswith(str(path)) for problem in problems):
                problems.append(Problem(str(path), f"there is no section {name}"))
        elif expected[name] != number:
            problems.append(
                Problem(str(path), f"announces {expected[name]} {name} and has {number}", "is it truncated?")
            )


def _edges(rows: Sequence[Line], account: Account) -> list[Edge]:
    loops = [row for row in rows if row["src"] == row["dest"]]
    empty = [row for row in rows if row["src"] != row["dest"] and not row["bw"]]
    good = [row for row in rows if row["src"] != row["dest"] and row["bw"]]
    account.read(len(rows), "edges", "one per direction; their weights are not read")
    account.dropped(len(loops), "edges", "they join a node to itself")
    account.dropped(len(empty), "edges", "no bandwidth")
    return [Edge(row["src"], row["dest"], row["bw"] * KBPS, row["delay"] * MICROSECOND_S) for row in good]
