"""Backbones: names, two-way links, delays, and the fullest link."""

from __future__ import annotations

import math

import pytest

from twin.sync.account import Account
from twin.sync.topology import (
    Edge,
    Topology,
    Vertex,
    busiest,
    geographic,
    great_circle_km,
    merge_demands,
    site_names,
    two_way,
    with_latency,
)


@pytest.fixture
def account() -> Account:
    return Account("test")


def test_labels_become_names_that_are_plain_and_unique(account: Account) -> None:
    labels = ["0_New_York", "1_London", "2_London", "São Paulo", "(?)", "3_1", "Sao-Paulo"]
    assert site_names(labels, account) == [
        "New_York",
        "1_London",
        "2_London",
        "Sao-Paulo",
        "site",
        "1",
        "Sao-Paulo-2",
    ]
    assert account.total("inferred", "names of sites") == 5


def test_places_that_cannot_be_degrees_are_dropped_and_zero_zero_is_unknown(account: Account) -> None:
    vertices = [Vertex("a", (52.0, 13.0)), Vertex("b", (0.0, 0.0))]
    assert [vertex.place for vertex in geographic(vertices, account)] == [(52.0, 13.0), None]
    assert [vertex.place for vertex in geographic([*vertices, Vertex("c", (300.0, 10.0))], account)] == [
        None
    ] * 3
    assert account.total("dropped", "coordinates") == 4


def test_links_of_a_file_without_twins_are_two_way_as_they_stand(account: Account) -> None:
    edges = (Edge(0, 1, 1.0), Edge(0, 1, 2.0), Edge(1, 0, 3.0))
    assert two_way(edges, account) == edges
    assert account.entries == []


def test_twins_become_one_link_with_the_weaker_direction(account: Account) -> None:
    edges = [Edge(0, 1, 5.0, 0.1), Edge(0, 1, 6.0, 0.2), Edge(1, 0, 5.0, 0.1), Edge(1, 0, 4.0, 0.3)]
    assert two_way(edges, account) == (Edge(0, 1, 5.0, 0.1), Edge(0, 1, 4.0, 0.3))
    assert account.total("inferred", "two-way links") == 2
    assert account.total("inferred", "of them with the weaker of two directions") == 1


def test_great_circles() -> None:
    assert great_circle_km((0, 0), (0, 180)) == pytest.approx(math.pi * 6371)
    assert great_circle_km((0, 10), (0, 11)) == pytest.approx(math.pi * 6371 / 180)
    assert great_circle_km((90, 0), (0, 77)) == pytest.approx(math.pi * 6371 / 2)
    # London - New York is about 5 570 km.
    assert great_circle_km((51.5085, -0.1257), (40.7143, -74.006)) == pytest.approx(5570, rel=0.005)


def test_delays_come_from_the_file_then_from_the_distance_then_from_the_rule(account: Account) -> None:
    vertices = (Vertex("a", (0.0, 0.5)), Vertex("b", (0.0, 1.5)), Vertex("c", None))
    edges = (Edge(0, 1, 1.0, 0.007), Edge(0, 1, 1.0), Edge(1, 2, 1.0))
    done = with_latency(Topology("t", "s", vertices, edges, {}), account)
    one_degree_s = math.pi * 6371 / 180 * 4.9e-6
    assert [edge.latency_s for edge in done.edges] == [0.007, pytest.approx(one_degree_s), 0.001]


def test_the_fullest_link_is_found_on_fastest_paths() -> None:
    # 0 -> 2 is faster over 1 (2 ms) than direct (5 ms); 1 -> 2 carries both demands, twice its capacity.
    vertices = tuple(Vertex(str(i), None) for i in range(4))
    edges = (Edge(0, 1, 100.0, 0.001), Edge(1, 2, 50.0, 0.001), Edge(0, 2, 1000.0, 0.005))
    traffic = {(0, 2): 70.0, (1, 2): 30.0, (2, 1): 10.0, (0, 3): 5.0}
    assert busiest(Topology("t", "s", vertices, edges, traffic)) == (2.0, 1, 2)
    assert busiest(Topology("t", "s", vertices, edges, {})) is None


def test_demands_of_a_pair_are_added_and_empty_ones_dropped(account: Account) -> None:
    wanted = [((0, 1), 2.0), ((0, 1), 3.0), ((1, 0), 1.0), ((1, 1), 9.0), ((1, 2), 0.0)]
    assert merge_demands(wanted, account) == {(0, 1): 5.0, (1, 0): 1.0}
    assert account.total("dropped", "demands") == 2
    assert account.total("inferred", "demands added to another one") == 1
