"""The openb importer: published counts, conservation, the chosen instant, and every bad row named."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

from twin.files.documents import read_gates, read_plan, read_suite
from twin.files.fleet import read_fleet
from twin.model.checks import check_fleet
from twin.model.errors import Problem, TraceError, UsageError
from twin.model.fleet import Fleet
from twin.sync.account import Imported
from twin.sync.openb import MIB, NODES, PODS, import_openb
from twin.sync.openb_pods import read_pods
from twin.sync.options import Options
from twin.sync.write import write_import

SMALL = Path(__file__).parent / "data" / "openb"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SMALL, tmp_path / "openb"))


def totals(fleet: Fleet) -> tuple[int, int, int, float]:
    """Servers, GPUs, cores and MiB of a fleet."""
    types = {kind.name: kind for kind in fleet.server_types}
    rows = [(group.count, types[group.type]) for group in fleet.server_groups]
    return (
        sum(n for n, _ in rows),
        sum(n * kind.gpus for n, kind in rows),
        sum(n * kind.cores for n, kind in rows),
        sum(n * kind.memory_bytes for n, kind in rows) / MIB,
    )


def assert_conserved(imported: Imported) -> None:
    """What was read is in the fleet or was dropped, and what pods ask for is what replicas take."""
    account = imported.account
    servers, gpus, cores, mib = totals(imported.fleet)
    assert servers == account.total("read", "nodes")
    assert gpus == account.total("read", "GPUs")
    assert cores + account.total("dropped", "cores") == pytest.approx(account.total("read", "cores"))
    assert mib == account.total("read", "MiB of memory")
    asked: Counter[str] = Counter()
    replicas = {row.service: row.replicas for row in imported.fleet.deployments}
    for service in imported.fleet.services:
        asked[service.reservation] += replicas[service.name] * service.replica_rru  # type: ignore[assignment]
    for reservation in imported.fleet.reservations:
        assert asked[reservation.name] == pytest.approx(reservation.guaranteed_rru)


def test_a_small_trace_is_imported_and_conserved() -> None:
    imported = import_openb(SMALL, Options(fill=0.0))
    assert totals(imported.fleet) == (8, 36, 64 + 288 + 192, 2228224)
    assert_conserved(imported)
    assert check_fleet(imported.fleet) == []


def test_the_busiest_instant_is_found_and_its_pods_are_placed() -> None:
    imported = import_openb(SMALL, Options(fill=0.0))
    # Five pods run at 710 s: pod 4 has left, pod 5 left in the instant in which it came, pod 6 never came.
    assert imported.account.total("inferred", "s: the instant of the placement") == 710
    # Of these, pod 8 wants 40 cores and no GPU; the nodes without GPUs have 32.
    assert imported.account.total("inferred", "pods running at that instant") == 4
    assert imported.account.total("dropped", "of the pods running at that instant") == 1
    replicas = {row.service: row.replicas for row in imported.fleet.deployments}
    assert replicas == {"be-gpu-g2": 2, "ls-gpu-g2": 1, "ls-gpu-t4": 1}


def test_another_instant_may_be_chosen_but_not_one_outside_the_trace() -> None:
    assert (
        import_openb(SMALL, Options(at_s=2500, fill=0.0)).account.total(
            "inferred", "pods running at that instant"
        )
        == 1
    )
    with pytest.raises(UsageError, match="between 10 s and 3000 s"):
        import_openb(SMALL, Options(at_s=3000))


def test_filling_submits_the_other_pods_and_says_which_found_no_room() -> None:
    imported = import_openb(SMALL, Options(fill=1.0))
    dropped = [
        entry for entry in imported.account.entries if entry.verb == "dropped" and "submitted" in entry.what
    ]
    # Pod 6 wants 8 GPUs on one T4 node; these have 4.
    assert [(entry.count, entry.why) for entry in dropped] == [(1, "no node had room: 1 that want 8 GPU")]
    assert_conserved(imported)


def test_a_list_without_times_can_only_be_filled(folder: Path) -> None:
    lines = (folder / PODS).read_text().splitlines()
    (folder / PODS).write_text("\n".join(",".join(line.split(",")[:5]) for line in lines) + "\n")
    imported = import_openb(folder, Options(fill=0.3))
    assert imported.account.total("inferred", "pods running at that instant") == 0
    assert imported.fleet.services
    with pytest.raises(UsageError, match="no times"):
        import_openb(folder, Options(at_s=5))


def test_every_bad_row_of_both_files_is_named_at_once(folder: Path) -> None:
    nodes = (folder / NODES).read_text()
    (folder / NODES).write_text(
        nodes + "node-01,32000,1,0,\nnode-09,500,1,0,\nnode-10,8000,1,2,\nnode-11,8000,nan,0,\n"
    )
    pods = (folder / PODS).read_text()
    (folder / PODS).write_text(
        pods + "pod-01,1,1,1,1500,,LS,Running,0,1,0\npod-10,1,1,0,100,A1,XX,Going,0,1,5\npod-11\n"
    )
    with pytest.raises(TraceError) as caught:
        import_openb(folder, Options())
    said = [str(problem).replace(f"{folder}/", "") for problem in caught.value.problems]
    assert said == [
        f"{NODES}:13 memory_mib: 'nan' is not a number that can be used",
        f"{NODES}:10 sn: the node 'node-01' is already given in line 2 (name each node once)",
        f"{NODES}:11 cpu_milli: 500 is no size of a node in millicores",
        f"{NODES}:12 model: the node has GPUs without a model (give both or neither)",
        f"{PODS}:13: has 1 cells, the header 11",
        f"{PODS}:11 gpu_milli: 1500 is no share of one GPU in thousandths",
        f"{PODS}:11 name: the pod 'pod-01' stands twice",
        f"{PODS}:12 qos: 'XX' is not one of LS, Burstable, Guaranteed, BE",
        f"{PODS}:12 pod_phase: 'Going' is not one of Running, Succeeded, Failed, Pending",
        f"{PODS}:12 gpu_milli: a share of a GPU, but num_gpu is 0",
        f"{PODS}:12 deletion_time: is before scheduled_time",
        f"{PODS}:12 gpu_spec: no node has the GPU model A1 (models: G2, T4)",
    ]


def test_a_missing_pod_list_and_a_missing_column_are_told_together(folder: Path) -> None:
    (folder / PODS).unlink()
    (folder / NODES).write_text("sn,cpu_milli,memory,gpu\nn,1000,1,0\n")
    with pytest.raises(TraceError) as caught:
        import_openb(folder, Options())
    assert [problem.what for problem in caught.value.problems] == [
        "there is no column 'memory_mib'",
        "there is no such file",
    ]


def test_what_files_hold_is_declared_and_what_the_rule_chose_is_assumed() -> None:
    fleet = import_openb(SMALL, Options()).fleet
    kind, unit, service = fleet.server_types[0], fleet.power_units[0], fleet.services[0]
    assert fleet.provenance_of("server_types", kind, "cores") == "declared"
    assert fleet.provenance_of("server_groups", fleet.server_groups[0], "count") == "declared"
    assert fleet.provenance_of("services", service, "replica_rru") == "declared"
    assert fleet.provenance_of("server_types", kind, "max_w") == "assumed"
    assert fleet.provenance_of("power_units", unit, "rated_va") == "assumed"
    assert fleet.provenance_of("services", service, "service_time_s") == "assumed"
    assert fleet.provenance_of("racks", fleet.racks[0], "fed_by") == "assumed"


def test_the_folder_reads_back_as_the_same_fleet(tmp_path: Path) -> None:
    imported = import_openb(SMALL, Options())
    write_import(imported, tmp_path / "out")
    assert read_fleet(tmp_path / "out") == imported.fleet
    for place, read, documents in (
        ("plans", read_plan, imported.plans),
        ("gates", read_gates, imported.gates),
        ("suites", read_suite, imported.suites),
    ):
        found = {path.stem: read(path) for path in (tmp_path / "out" / place).iterdir()}
        assert found == {document.name: document for document in documents}
    assert "## Dropped" in (tmp_path / "out" / "account.md").read_text()


@pytest.mark.data
def test_the_real_trace_has_its_published_counts(data_dir: Path) -> None:
    imported = import_openb(data_dir / "alibaba-gpu-v2023", Options())
    assert totals(imported.fleet)[:2] == (1523, 6212)
    assert imported.account.total("read", "pods") == 8152
    assert imported.account.total("read", "of them that never ran") == 897
    assert_conserved(imported)
    assert check_fleet(imported.fleet) == []
    assert imported.account.total("inferred", "share of GPUs taken") == pytest.approx(0.6, abs=0.01)


@pytest.mark.data
def test_the_busiest_instant_of_the_real_trace_is_the_one_a_naive_count_finds(data_dir: Path) -> None:
    problems: list[Problem] = []
    rows = read_pods(data_dir / "alibaba-gpu-v2023" / PODS, set(), problems)
    assert problems == []
    most = max(
        sum(other.runs_at(row.scheduled_s) for other in rows)
        for row in rows[::40]
        if row.scheduled_s is not None
    )
    imported = import_openb(data_dir / "alibaba-gpu-v2023", Options(fill=0.0))
    at_s = imported.account.total("inferred", "s: the instant of the placement")
    assert sum(row.runs_at(at_s) for row in rows) >= most
    # The data sheet of the sample: it never uses more than 66 of the GPUs.
    assert imported.account.total("inferred", "share of GPUs taken") * 6212 <= 66.5
