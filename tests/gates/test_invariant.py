"""Invariants: one violation is one too many."""

import pytest

from twin.gates.invariant import assess_invariant
from twin.model.limits import parse_limit

CLEAN: frozenset[str] = frozenset()


def test_clean_worlds_pass_at_once() -> None:
    seen = assess_invariant([CLEAN] * 3, [frozenset({"msb-1"})] * 3, parse_limit("none"))
    assert (seen.result, seen.n, seen.violations) == ("pass", 3, ())


def test_none_counts_what_the_reference_has_too() -> None:
    both = [frozenset({"msb-2", "msb-1"}), CLEAN]
    assert assess_invariant(both, both, parse_limit("none")).violations == ((0, "msb-1"), (0, "msb-2"))
    assert assess_invariant(both, both, parse_limit("none new")).result == "pass"


def test_new_means_new_in_the_same_world() -> None:
    tripped = frozenset({"msb-1"})
    seen = assess_invariant([CLEAN, tripped], [tripped, CLEAN], parse_limit("none new"))
    assert (seen.result, seen.violations) == ("fail", ((1, "msb-1"),))


def test_refuses_numbers_and_unpaired_worlds() -> None:
    with pytest.raises(ValueError, match="takes 'none'"):
        assess_invariant([CLEAN], [CLEAN], parse_limit("<= 2"))
    with pytest.raises(ValueError, match="do not pair"):
        assess_invariant([CLEAN], [CLEAN] * 2, parse_limit("none"))
