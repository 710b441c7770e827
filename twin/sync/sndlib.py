"""SNDlib networks (JSON): nodes become sites, links become backbone links, demands become traffic.

A link has its pre-installed capacity, else its largest capacity module, once: most networks are design
problems, and what is installed is the answer, not the data.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twin.model.errors import Problem, TraceError, UsageError, did_you_mean
from twin.model.units import DIMENSIONS
from twin.sync.account import Account, Imported
from twin.sync.backbone import build_backbone
from twin.sync.foreign import Column, Line, amount, decode, read_cells, real, text
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

UNITS = {"KBITPERSEC": "kbit/s", "MBITPERSEC": "Mbit/s", "GBITPERSEC": "Gbit/s"}
DEFAULT_UNIT = "Mbit/s"
_NODE = (Column("id", text), Column("longitude", real), Column("latitude", real))
_LINK = (
    Column("source", text),
    Column("target", text),
    Column("pre_installed_capacity", amount, required=False, default=0.0),
)
_MODULE = (Column("module_capacity", amount),)
_DEMAND = (Column("source", text), Column("target", text), Column("demand_value", amount))


def import_sndlib(data: Path, options: Options) -> Imported:
    """Return the fleet of an SNDlib network; raise TraceError with every problem of its file."""
    file = _file(data, options.network)
    account = Account(f"sndlib ({file.name})")
    topology, _ = read_network(file, options, account)
    return build_backbone(
        topology, surroundings(options, file.parent, account), options=options, account=account
    )


def read_network(file: Path, options: Options, account: Account) -> tuple[Topology, dict[str, int]]:
    """Return the network of a file, and the position of each of its node ids among the vertices."""
    problems = list[Problem]()
    document = _document(file, problems)
    nodes = _rows(document, "nodes", _NODE, str(file), problems)
    at = _indices(nodes, problems)
    links = _rows(document, "links", _LINK, str(file), problems)
    demands = _rows(document, "demands", _DEMAND, str(file), problems)
    known = {str(entry.get("id")) for _, entry in _groups(document, "nodes")}
    for row in (*links, *demands):
        _check_ends(row, known, problems)
    modules = [
        _rows(value, "modules", _MODULE, f"{file}: links[{i}]", problems)
        for i, value in _groups(document, "links")
    ]
    bps = _unit(document, options, account)
    for row in demands:
        check_rate(f"{row.where} demand_value", row["demand_value"] * bps, problems)
    for row, choices in zip(links, modules, strict=False):
        check_rate(row.where, _capacity(row, choices) * bps, problems)
    if problems:
        raise TraceError(problems)
    account.read(len(nodes), "nodes")
    edges = _edges(links, modules, at, bps, account)
    traffic = _traffic(demands, at, bps, account)
    places = [
        Vertex(name, (row["latitude"], row["longitude"]))
        for name, row in zip(site_names(list(at), account), nodes, strict=True)
    ]
    topology = Topology(file.stem, "SNDlib", geographic(places, account), two_way(edges, account), traffic)
    return topology, at


def _file(data: Path, network: str | None) -> Path:
    if not data.is_dir():
        return data
    known = sorted(path.stem for path in data.glob("*.json"))
    if network in known:
        return data / f"{network}.json"
    if network is None:
        raise UsageError(
            f"{data} is a folder: name one with --network ({', '.join(known) or 'it has no JSON files'})"
        )
    mend = did_you_mean(network, known) or f"one of {', '.join(known)}"
    raise UsageError(f"there is no network {network!r} in {data} ({mend})")


def _document(path: Path, problems: list[Problem]) -> dict[str, Any]:
    content = decode(path, problems)
    if problems:
        return {}
    try:
        document = json.loads(content)
    except json.JSONDecodeError as error:
        problems.append(Problem(f"{path}:{error.lineno}", f"is no JSON: {error.msg}"))
        return {}
    except RecursionError:
        problems.append(Problem(str(path), "is nested too deeply"))
        return {}
    keys = ("nodes", "links")
    missing = [key for key in keys if not isinstance(document, dict) or not document.get(key)]
    problems += [
        Problem(str(path), f"there are no {key}", "an SNDlib network has nodes and links") for key in missing
    ]
    return {} if missing else document


def _groups(parent: dict[str, Any], key: str) -> list[tuple[int, dict[str, Any]]]:
    """Return (position, entry) of the entries of a list that are groups of keys."""
    entries = parent.get(key)
    return [
        (i, entry)
        for i, entry in enumerate(entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    ]


def _rows(
    parent: dict[str, Any], key: str, columns: Sequence[Column], path: str, problems: list[Problem]
) -> list[Line]:
    """Return the good entries of a list; an entry is named by its position and id."""
    groups = _groups(parent, key)
    if len(groups) != len(parent.get(key) or ()):
        problems.append(Problem(f"{path}: {key}", "a list of groups of keys is expected"))
        return []
    lines = []
    for i, entry in groups:
        cells = {name: "" if value is None else str(value) for name, value in entry.items()}
        lines.append(
            read_cells(f"{path}: {key}[{i}] {cells.get('id', '')}".rstrip(), cells, columns, problems)
        )
    return [line for line in lines if line is not None]


def _indices(nodes: Sequence[Line], problems: list[Problem]) -> dict[str, int]:
    at: dict[str, int] = {}
    for row in nodes:
        if row["id"] in at:
            problems.append(Problem(row.where, f"the node {row['id']!r} stands twice", "name each node once"))
        at.setdefault(row["id"], len(at))
    return at


def _check_ends(row: Line, known: set[str], problems: list[Problem]) -> None:
    for end in ("source", "target"):
        if row[end] not in known:
            mend = did_you_mean(row[end], sorted(known))
            problems.append(Problem(f"{row.where} {end}", f"there is no node {row[end]!r}", mend))


def _unit(document: dict[str, Any], options: Options, account: Account) -> float:
    """Return the unit of capacities and demands in bit/s."""
    known = DIMENSIONS["bandwidth"]
    if options.unit is not None:
        if options.unit not in known:
            raise UsageError(f"--unit {options.unit!r} is not one of {', '.join(known)}")
        account.assumed(1, "unit of capacities and demands", f"{options.unit}, as chosen")
        return known[options.unit]
    meta = document.get("meta")
    own = UNITS.get(str(meta.get("unit")) if isinstance(meta, dict) else "")
    if own:
        account.read(1, "unit of capacities and demands", own)
    else:
        account.assumed(1, "unit of capacities and demands", f"{DEFAULT_UNIT}: the file names none (--unit)")
    return known[own or DEFAULT_UNIT]


def _edges(
    links: Sequence[Line], modules: Sequence[Sequence[Line]], at: dict[str, int], bps: float, account: Account
) -> list[Edge]:
    edges, loops, empty, modular = [], 0, 0, 0
    for row, choices in zip(links, modules, strict=True):
        own = row["pre_installed_capacity"]
        capacity = _capacity(row, choices)
        if row["source"] == row["target"]:
            loops += 1
        elif not capacity:
            empty += 1
        else:
            modular += not own
            edges.append(Edge(at[row["source"]], at[row["target"]], capacity * bps))
    account.read(len(links), "links")
    account.read(len(edges) - modular, "pre-installed capacities")
    account.inferred(modular, "capacities", "the largest module, once: nothing is pre-installed")
    account.dropped(loops, "links", "they join a node to itself")
    account.dropped(empty, "links", "neither a capacity nor a module")
    return edges


def _capacity(link: Line, modules: Sequence[Line]) -> float:
    """Return what is installed on a link, else its largest module."""
    installed: float = link["pre_installed_capacity"]
    return installed or max((module["module_capacity"] for module in modules), default=0.0)


def _traffic(
    demands: Sequence[Line], at: dict[str, int], bps: float, account: Account
) -> dict[tuple[int, int], float]:
    wanted = [((at[row["source"]], at[row["target"]]), row["demand_value"] * bps) for row in demands]
    account.read(len(wanted), "demands", "each from its source to its target")
    return merge_demands(wanted, account)
