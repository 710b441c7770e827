"""The placement rule: where a pod goes, and that no node ever holds more than it has."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twin.sync.placement import WHOLE_GPU_MILLI, Cluster, Pod, Shape


def pod(
    name: str = "p", *, gpus: int = 1, milli: int = 1000, cpu: int = 1000, models: tuple[str, ...] = ()
) -> Pod:
    return Pod(name, cpu, 1024, gpus, milli if gpus else 0, frozenset(models), "LS")


def names(cluster: Cluster, pods: list[Pod]) -> list[str | None]:
    nodes = [cluster.place(one) for one in pods]
    return [None if node is None else cluster.shapes[node].name for node in nodes]


def test_a_pod_without_gpus_goes_to_the_fullest_node_without_gpus_that_has_room() -> None:
    cluster = Cluster(
        [
            Shape("big", 64_000, 65536, 0, ""),
            Shape("small", 8_000, 65536, 0, ""),
            Shape("gpu", 4_000, 65536, 8, "T4"),
        ]
    )
    assert names(cluster, [pod(gpus=0, cpu=6_000), pod(gpus=0, cpu=6_000), pod(gpus=0, cpu=60_000)]) == [
        "small",
        "big",
        None,
    ]


def test_a_share_goes_to_the_fullest_node_and_never_spans_two_gpus() -> None:
    cluster = Cluster([Shape("a", 64_000, 65536, 2, "T4"), Shape("b", 64_000, 65536, 2, "T4")])
    placed = names(cluster, [pod(milli=600), pod(milli=600), pod(milli=600), pod(milli=400), pod(gpus=2)])
    # a takes a share on each GPU; then only b has 600 free; 400 fills up a; nobody has 2 whole GPUs.
    assert placed == ["a", "a", "b", "a", None]


def test_models_fill_evenly_and_a_wish_is_kept() -> None:
    cluster = Cluster([Shape("t", 64_000, 65536, 8, "T4"), Shape("g", 64_000, 65536, 4, "G2")])
    assert names(cluster, [pod(), pod(), pod(), pod()]) == ["g", "t", "t", "g"]
    assert names(cluster, [pod(models=("G2",)), pod(models=("A10",))]) == ["g", None]


def test_filling_stops_at_the_share() -> None:
    cluster = Cluster([Shape("t", 64_000, 65536, 4, "T4")])
    tried = cluster.place_all((pod(f"p{i}") for i in range(9)), until_share=0.5)
    assert (list(tried), cluster.gpu_share) == (["p0", "p1"], 0.5)


shapes = st.lists(
    st.tuples(st.integers(1, 32), st.integers(1, 64), st.integers(0, 8), st.sampled_from(["T4", "G2"])),
    min_size=1,
    max_size=8,
)
pods = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 1000), st.integers(0, 12), st.integers(0, 32)), max_size=60
)


@given(shapes, pods)
def test_what_is_taken_and_what_is_free_make_what_was_there(
    drawn: list[tuple[int, int, int, str]], wanted: list[tuple[int, int, int, int]]
) -> None:
    cluster = Cluster(
        [
            Shape(f"n{i}", cpu * 1000, memory * 1024, gpus, model if gpus else "")
            for i, (cpu, memory, gpus, model) in enumerate(drawn)
        ]
    )
    before = cluster.cpu_free.sum(), cluster.memory_free.sum(), cluster.gpu_free.sum()
    asked = [
        Pod(f"p{i}", cpu * 1000, memory * 1024, gpus, milli if gpus else 0, frozenset(), "BE")
        for i, (gpus, milli, cpu, memory) in enumerate(wanted)
    ]
    nodes = cluster.place_all(asked)
    placed = [one for one in asked if nodes[one.name] is not None]
    assert min(cluster.cpu_free.min(), cluster.memory_free.min()) >= 0
    assert np.all((cluster.gpu_free >= 0) & (cluster.gpu_free <= WHOLE_GPU_MILLI))
    taken = (
        sum(one.cpu_milli for one in placed),
        sum(one.memory_mib for one in placed),
        sum(one.total_gpu_milli for one in placed),
    )
    assert before == (
        cluster.cpu_free.sum() + taken[0],
        cluster.memory_free.sum() + taken[1],
        cluster.gpu_free.sum() + taken[2],
    )
