"""Bracket names expand and compress without losing order, padding or a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.model.errors import FleetwinError
from twin.model.names import BracketError, compress, expand, expand_all, is_bracketed, natural_key


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("ams1-msb-2", ("ams1-msb-2",)),
        ("r[01-03]", ("r01", "r02", "r03")),
        ("r[8-11]", ("r8", "r9", "r10", "r11")),
        ("r[098-101]x", ("r098x", "r099x", "r100x", "r101x")),
        ("r[01-02,07]", ("r01", "r02", "r07")),
        ("r[01, 07]", ("r01", "r07")),
        ("row-[a-c]", ("row-a", "row-b", "row-c")),
        ("[ams1,fra1]-b[1-2]", ("ams1-b1", "ams1-b2", "fra1-b1", "fra1-b2")),
        ("x[007]", ("x007",)),
    ],
)
def test_expand(text, names):
    assert expand(text) == names


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("r[01-40", "add a ']'"),
        ("r01-40]", "remove the ']'"),
        ("r[[1-2]]", "bracket inside"),
        ("r[]", "not a number"),
        ("r[1-]", "not a number"),
        ("r[1,,2]", "not a number"),
        ("r[40-01]", "write 01-40"),
        ("r[c-a]", "write a-c"),
        ("r[a-9]", "different kinds"),
        ("r[a-C]", "different kinds"),
        ("r[01-010]", "write 001-010"),
        ("r[1-2,2]", "'r2' twice"),
        ("r[0-1000000]", "1,000,000"),
        ("r[000-999][000-999][0-1]", "1,000,000"),
        ("r[" + ",".join(["0-999999999"] * 1000) + "]", "1,000,000"),
        ("r[٣-٤]", "not a number"),
    ],
)
def test_malformed_brackets_name_the_mend(text, word):
    with pytest.raises(BracketError, match="r") as caught:
        expand(text)
    assert word in str(caught.value)
    assert isinstance(caught.value, FleetwinError)


@pytest.mark.parametrize(
    ("names", "texts"),
    [
        (["r01", "r02", "r03"], ["r[01-03]"]),
        (["r1", "r2", "r3", "r7"], ["r[1-3,7]"]),
        (["r9", "r10"], ["r[9-10]"]),
        (["r09", "r10", "r11"], ["r[09-11]"]),
        (["r9", "r010"], ["r[9,010]"]),
        (["r3", "r1"], ["r[3,1]"]),
        (["a-b01", "a-b02", "a-c01", "a-c02"], ["a-[b-c][01-02]"]),
        (["a1", "b2"], ["a1", "b2"]),
        (["ams1", "ams1"], ["ams1", "ams1"]),
        (["ams", "fra"], ["ams", "fra"]),
        ([], []),
    ],
)
def test_compress(names, texts):
    assert compress(names) == texts


part = st.one_of(
    st.sampled_from(["a", "b", "c", "A", "row", "-", ".", "_"]),
    st.integers(0, 120).map(str),
    st.integers(0, 120).map("{:03d}".format),
)
some_name = st.lists(part, min_size=1, max_size=4).map("".join)


@given(st.lists(some_name, max_size=30))
def test_compress_is_the_inverse_of_expand(names):
    assert expand_all(compress(names)) == tuple(names)


@given(st.integers(0, 300), st.integers(0, 60), st.integers(1, 5))
def test_a_range_compresses_to_one_expression(first, count, width):
    names = [f"r{number:0{width}d}-x" for number in range(first, first + count + 1)]
    if len(names[0]) == len(names[-1]):
        assert len(compress(names)) == 1


@given(st.text(alphabet="r[]-,0129ac .é", max_size=12))
def test_any_text_expands_or_is_refused(text):
    try:
        names = expand(text)
    except BracketError as error:
        assert error.what
    else:
        assert len(set(names)) == len(names) >= 1
        assert not any(is_bracketed(name) for name in names)


def test_natural_order():
    assert sorted(["r10", "r2", "q", "r2b", "2", "r"], key=natural_key) == ["2", "q", "r", "r2", "r2b", "r10"]
