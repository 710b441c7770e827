"""Alibaba's inventory of spot GPU nodes (cluster-trace-v2026-spot-gpu): nodes only, the load is assumed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from twin.model.errors import Problem, TraceError
from twin.model.series import Note
from twin.model.servers import ServerType
from twin.sync.account import Account, Imported
from twin.sync.cluster import REGION, SITE, Estate, build_fleet
from twin.sync.examples import examples
from twin.sync.foreign import Column, Line, count, label, read_lines, text
from twin.sync.hardware import GIB, Machine, server_type
from twin.sync.layout import Floor, Node
from twin.sync.options import Options
from twin.sync.surroundings import surroundings
from twin.sync.workload import Ask, build_workload

NODES = "node_info_df.csv"
GIB_PER_THREAD = 4.0
BATCH_SHARE = 0.25  # of the assumed pods
SOURCE = "Alibaba cluster-trace-v2026-spot-gpu"
_COLUMNS = (
    Column("gpu_model", label),
    Column("gpu_capacity_num", count),
    Column("cpu_num", count),
    Column("node_name", text),
)
_NOTES = tuple(
    Note(of=of, is_="declared", source=SOURCE)
    for of in (
        "server_types.*.cores",
        "server_types.*.gpus",
        "server_types.*.gpu_kind",
        "server_types.*.rru",
        "server_groups.*.count",
        "server_groups.*.type",
    )
)


def import_spot2026(data: Path, options: Options) -> Imported:
    """Return the fleet of the 2026 inventory; raise TraceError with every problem of its file."""
    file = data / NODES if data.is_dir() else data
    account, problems = Account(f"spot2026 ({file.name})"), list[Problem]()
    lines = _read(file, problems)
    if problems:
        raise TraceError(problems)
    account.read(len(lines), "nodes")
    account.read(sum(line["gpu_capacity_num"] for line in lines), "GPUs")
    account.read(sum(line["cpu_num"] for line in lines), "cores", "vCPUs, from cpu_num")
    account.dropped(len(lines), "node names", "nodes of one type in a rack become a group with a count")
    account.assumed(GIB_PER_THREAD, "GiB of memory per vCPU", "the file has no memory")
    around = surroundings(options, file.parent, account)
    estate = _estate(lines)
    workload = build_workload(_asks(lines, options.fill), estate.owners, site=SITE, region=REGION)
    account.assumed(
        sum(d.replicas for d in workload.deployments),
        "replicas",
        f"one per GPU on {options.fill:.0%} of the GPUs of each model, {BATCH_SHARE:.0%} of them batch: "
        "the file has no pods",
    )
    fleet, floor = build_fleet(estate, workload, around, options=options, account=account)
    return Imported(fleet, account, *examples(fleet, floor, _spread(floor, estate, options.fill)))


def _read(path: Path, problems: list[Problem]) -> list[Line]:
    lines = read_lines(path, _COLUMNS, problems)
    times = Counter(line["node_name"] for line in lines)
    for line in lines:
        if times[line["node_name"]] > 1:
            what = f"the node {line['node_name']!r} stands {times[line['node_name']]} times"
            problems.append(Problem(f"{line.where} node_name", what, "name each node once"))
        if not 1 <= line["gpu_capacity_num"] <= 128:
            what = f"a GPU node does not have {line['gpu_capacity_num']} GPUs"
            problems.append(Problem(f"{line.where} gpu_capacity_num", what))
        if not 1 <= line["cpu_num"] <= 4096:
            problems.append(Problem(f"{line.where} cpu_num", f"a node does not have {line['cpu_num']} vCPUs"))
    return lines


def _estate(lines: Sequence[Line]) -> Estate:
    nodes = [Node(line["node_name"], _type(line), _owner(line)) for line in lines]
    types: dict[str, ServerType] = {}
    for line in lines:
        memory_bytes = line["cpu_num"] * GIB_PER_THREAD * GIB
        machine = Machine(line["cpu_num"], memory_bytes, line["gpu_capacity_num"], line["gpu_model"])
        types.setdefault(_type(line), server_type(_type(line), machine, rru=float(machine.gpus)))
    text = "Alibaba spot GPU inventory of 2026: nodes from the file, load and building by rule."
    return Estate("spot2026", text, nodes, types, _NOTES)


def _owner(line: Line) -> str:
    return f"gpu-{line['gpu_model'].lower()}"


def _type(line: Line) -> str:
    return f"{line['gpu_model'].lower()}-{line['gpu_capacity_num']}x-{line['cpu_num']}c"


def _asks(lines: Sequence[Line], fill: float) -> dict[tuple[str, str], Ask]:
    """Return whole GPUs on a share of each model, split into online and batch."""
    gpus: Counter[str] = Counter()
    for line in lines:
        gpus[_owner(line)] += line["gpu_capacity_num"]
    asks: dict[tuple[str, str], Ask] = {}
    for owner, number in gpus.items():
        pods = max(1, int(number * fill))
        batch = int(pods * BATCH_SHARE)
        asks["LS", owner] = Ask(pods - batch, float(pods - batch))
        if batch:
            asks["BE", owner] = Ask(batch, float(batch))
    return asks


def _spread(floor: Floor, estate: Estate, fill: float) -> dict[str, float]:
    """Return how much of each rack is taken (RRU) when the load is spread evenly, as it is assumed to be."""
    return {rack.name: fill * sum(estate.types[node.type].rru for node in rack.nodes) for rack in floor.racks}
