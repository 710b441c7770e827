"""The 2026 inventory: published counts, assumed load, and bad rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from twin.model.checks import check_fleet
from twin.model.errors import TraceError
from twin.sync.options import Options
from twin.sync.spot2026 import NODES, import_spot2026

SMALL = Path(__file__).parent / "data" / "spot2026"


def test_a_small_inventory_is_imported() -> None:
    imported = import_spot2026(SMALL, Options(fill=0.5))
    fleet = imported.fleet
    kinds = {kind.name: kind for kind in fleet.server_types}
    gpus = Counter[str]()
    for group in fleet.server_groups:
        gpus[kinds[group.type].gpu_kind] += group.count * kinds[group.type].gpus
    assert gpus == {"A10": 3, "A100-SXM4-80GB": 16, "GPU-series-1": 12}
    assert (
        sum(group.count * kinds[group.type].cores for group in fleet.server_groups) == 4 * 128 + 126 + 2 * 192
    )
    assert {(d.service, d.replicas) for d in fleet.deployments} == {
        ("ls-gpu-a10", 1),
        ("ls-gpu-a100-sxm4-80gb", 6),
        ("be-gpu-a100-sxm4-80gb", 2),
        ("ls-gpu-gpu-series-1", 5),
        ("be-gpu-gpu-series-1", 1),
    }
    assert check_fleet(fleet) == []
    assert fleet.provenance_of("server_types", fleet.server_types[0], "memory_bytes") == "assumed"
    assert fleet.provenance_of("deployments", fleet.deployments[0], "replicas") == "assumed"


def test_bad_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / NODES).write_text(
        "gpu_model,gpu_capacity_num,cpu_num,node_name\nA10,1,128,a\nA10,0,128,b\n,1,128,c\nA10,1,0,d\nA10,1,128,a\n"
    )
    with pytest.raises(TraceError) as caught:
        import_spot2026(tmp_path, Options())
    assert [str(problem).replace(f"{tmp_path}/", "") for problem in caught.value.problems] == [
        f"{NODES}:4 gpu_model: is empty",
        f"{NODES}:2 node_name: the node 'a' stands 2 times (name each node once)",
        f"{NODES}:3 gpu_capacity_num: a GPU node does not have 0 GPUs",
        f"{NODES}:5 cpu_num: a node does not have 0 vCPUs",
        f"{NODES}:6 node_name: the node 'a' stands 2 times (name each node once)",
    ]


@pytest.mark.data
def test_the_real_inventory_has_its_published_counts(data_dir: Path) -> None:
    imported = import_spot2026(data_dir / "alibaba-spot-gpu-nodes-2026", Options())
    kinds = {kind.name: kind for kind in imported.fleet.server_types}
    groups = imported.fleet.server_groups
    assert sum(group.count for group in groups) == imported.account.total("read", "nodes") == 4278
    assert sum(group.count * kinds[group.type].gpus for group in groups) == 10_412
    assert len({kind.gpu_kind for kind in kinds.values()}) == 6
    assert check_fleet(imported.fleet) == []
