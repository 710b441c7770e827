"""Alibaba's openb trace (cluster-trace-gpu-v2023): nodes become groups, pods become replicas of services."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from twin.model.errors import Problem, TraceError
from twin.model.series import Note
from twin.model.servers import ServerType
from twin.sync.account import Account, Imported
from twin.sync.cluster import REGION, SITE, Estate, build_fleet
from twin.sync.examples import examples
from twin.sync.foreign import Column, Line, count, label, read_lines, text
from twin.sync.hardware import Machine, server_type
from twin.sync.layout import Floor, Node
from twin.sync.openb_pods import PodRow, read_pods, select
from twin.sync.options import Options
from twin.sync.placement import Cluster, Pod, Shape
from twin.sync.surroundings import surroundings
from twin.sync.workload import Ask, build_workload

NODES = "openb_node_list_all_node.csv"
PODS = "openb_pod_list_default.csv"
MIB = 1024.0**2
MAX_MEMORY_MIB = 2**28
SOURCE = "Alibaba cluster-trace-gpu-v2023"
_COLUMNS = (
    Column("sn", text),
    Column("cpu_milli", count),
    Column("memory_mib", count),
    Column("gpu", count),
    Column("model", label, required=False, default=""),
)
_NOTES = tuple(
    Note(of=of, is_="declared", source=SOURCE)
    for of in (
        "server_types.*.cores",
        "server_types.*.memory_bytes",
        "server_types.*.gpus",
        "server_types.*.gpu_kind",
        "server_types.*.rru",
        "server_groups.*.count",
        "server_groups.*.type",
        "services.*.replica_rru",
        "reservations.*.guaranteed_rru",
        "deployments.*.replicas",
    )
)


def import_openb(data: Path, options: Options) -> Imported:
    """Return the fleet of an openb folder (or node list); raise TraceError with every problem."""
    nodes_file = data / NODES if data.is_dir() else data
    pods_file = options.pods or nodes_file.parent / PODS
    account, problems = Account(f"openb ({nodes_file.name}, {pods_file.name})"), list[Problem]()
    shapes = read_nodes(nodes_file, problems)
    pods = read_pods(pods_file, {shape.model for shape in shapes}, problems)
    if problems:
        raise TraceError(problems)
    _account_nodes(shapes, account)
    around = surroundings(options, nodes_file.parent, account)
    cluster = Cluster(shapes)
    placed = _place(cluster, pods, options, account)
    estate = _estate(shapes)
    values = _interchangeable(cluster, placed, estate)
    workload = build_workload(_asks(cluster, placed), estate.owners, site=SITE, region=REGION, values=values)
    account.inferred(
        len(values), "reservations that may use any GPU model", "none of their pods names one in gpu_spec"
    )
    account.inferred(
        len(workload.services),
        "services",
        "pods of one quality of service on one kind of node; a replica "
        "is a pod and takes the mean request of its pods",
    )
    fleet, floor = build_fleet(estate, workload, around, options=options, account=account)
    taken = _taken_by_rack(cluster, placed, floor)
    return Imported(fleet, account, *examples(fleet, floor, taken))


def read_nodes(path: Path, problems: list[Problem]) -> list[Shape]:
    """Return the nodes of a node list; append what is wrong with it."""
    lines = read_lines(path, _COLUMNS, problems)
    seen: dict[str, Line] = {}
    for line in lines:
        if line["sn"] in seen:
            before = seen[line["sn"]].where.rpartition(":")[2]
            what = f"the node {line['sn']!r} is already given in line {before}"
            problems.append(Problem(f"{line.where} sn", what, "name each node once"))
        seen.setdefault(line["sn"], line)
        if line["cpu_milli"] < 1000 or line["cpu_milli"] > 4096_000:
            problems.append(
                Problem(f"{line.where} cpu_milli", f"{line['cpu_milli']} is no size of a node in millicores")
            )
        if line["memory_mib"] > MAX_MEMORY_MIB:
            problems.append(
                Problem(f"{line.where} memory_mib", f"a node does not have {line['memory_mib']} MiB")
            )
        if line["gpu"] > 128:
            problems.append(Problem(f"{line.where} gpu", f"a node does not have {line['gpu']} GPUs"))
        if bool(line["gpu"]) != bool(line["model"]):
            what = "GPUs without a model" if line["gpu"] else f"the model {line['model']!r} and no GPUs"
            problems.append(Problem(f"{line.where} model", f"the node has {what}", "give both or neither"))
    return [
        Shape(line["sn"], line["cpu_milli"], line["memory_mib"], line["gpu"], line["model"]) for line in lines
    ]


def owner_of(shape: Shape) -> str:
    """Return the reservation of a node: its GPU model, or cpu."""
    return f"gpu-{shape.model.lower()}" if shape.gpus else "cpu"


def type_of(shape: Shape) -> str:
    """Return the name of the server type of a node, e.g. g2-8x-96c-384g."""
    size = f"{shape.cpu_milli // 1000}c-{round(shape.memory_mib / 1024)}g"
    return f"{shape.model.lower()}-{shape.gpus}x-{size}" if shape.gpus else f"cpu-{size}"


def _account_nodes(shapes: Sequence[Shape], account: Account) -> None:
    account.read(len(shapes), "nodes")
    account.read(sum(shape.gpus for shape in shapes), "GPUs")
    account.read(sum(shape.cpu_milli for shape in shapes) / 1000, "cores", "hardware threads, from cpu_milli")
    account.read(sum(shape.memory_mib for shape in shapes), "MiB of memory")
    account.dropped(
        sum(shape.cpu_milli % 1000 for shape in shapes) / 1000, "cores", "fractions of a core per node"
    )
    account.dropped(len(shapes), "node names", "nodes of one type in a rack become a group with a count")


def _place(
    cluster: Cluster, rows: Sequence[PodRow], options: Options, account: Account
) -> list[tuple[Pod, int]]:
    """Place the pods that run at the chosen instant, then others until the GPUs are filled; return both."""
    running, rest = select(rows, options.at_s, account)
    first = cluster.place_all(running)
    _tell_placed(first, running, "pods running at that instant", account)
    second = cluster.place_all(rest, until_share=options.fill)
    tried = rest[: len(second)]
    _tell_placed(
        second,
        tried,
        f"pods submitted without departures until {options.fill:.0%} of the GPUs are taken",
        account,
    )
    account.dropped(
        len(rest) - len(second), "pods", "not submitted: the chosen share of the GPUs was taken before"
    )
    account.inferred(round(cluster.gpu_share, 4), "share of GPUs taken", "by these pods")
    nodes = first | second
    return [(pod, node) for pod in (*running, *tried) if (node := nodes[pod.name]) is not None]


def _tell_placed(nodes: Mapping[str, int | None], pods: Sequence[Pod], what: str, account: Account) -> None:
    lost = [pod for pod in pods if nodes[pod.name] is None]
    account.inferred(
        len(nodes) - len(lost), what, "placed by best fit (placement.py), as the trace names no nodes"
    )
    gpus = Counter("without GPUs" if not pod.gpus else f"that want {pod.gpus} GPU" for pod in lost)
    sizes = ", ".join(f"{number} {size}" for size, number in sorted(gpus.items()))
    account.dropped(len(lost), f"of the {what}", f"no node had room: {sizes}")


def _estate(shapes: Sequence[Shape]) -> Estate:
    nodes = [Node(shape.name, type_of(shape), owner_of(shape)) for shape in shapes]
    types: dict[str, ServerType] = {}
    for shape in shapes:
        machine = Machine(shape.cpu_milli // 1000, shape.memory_mib * MIB, shape.gpus, shape.model)
        rru = float(shape.gpus or machine.threads)
        types.setdefault(type_of(shape), server_type(type_of(shape), machine, rru=rru))
    text = "Alibaba openb cluster of 2023: nodes and requests from the trace, the building by rule."
    return Estate("openb", text, nodes, types, _NOTES)


def _asks(cluster: Cluster, placed: Sequence[tuple[Pod, int]]) -> dict[tuple[str, str], Ask]:
    """Return what the placed pods ask for: GPUs on nodes with GPUs, cores on the others."""
    pods: Counter[tuple[str, str]] = Counter()
    milli: Counter[tuple[str, str]] = Counter()
    for pod, node in placed:
        key = pod.qos, owner_of(cluster.shapes[node])
        pods[key] += 1
        milli[key] += pod.total_gpu_milli if pod.gpus else pod.cpu_milli
    return {key: Ask(pods[key], milli[key] / 1000) for key in pods}


def _interchangeable(
    cluster: Cluster, placed: Sequence[tuple[Pod, int]], estate: Estate
) -> dict[str, dict[str, float]]:
    """Return, for each owner of GPUs whose pods all run on any model, what a server of each such type is worth: its GPUs."""
    bound = {owner_of(cluster.shapes[node]) for pod, node in placed if pod.models}
    anything = {name: kind.rru for name, kind in estate.types.items() if kind.gpus}
    return {owner: anything for owner in estate.owners if owner != "cpu" and owner not in bound}


def _taken_by_rack(cluster: Cluster, placed: Sequence[tuple[Pod, int]], floor: Floor) -> dict[str, float]:
    """Return how much of each rack the placed pods take (RRU)."""
    by_node: defaultdict[str, float] = defaultdict(float)
    for pod, node in placed:
        by_node[cluster.shapes[node].name] += (pod.total_gpu_milli if pod.gpus else pod.cpu_milli) / 1000
    return {rack.name: sum(by_node[node.name] for node in rack.nodes) for rack in floor.racks}
