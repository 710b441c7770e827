"""Cells of tables: every value comes back, and a cell that is none is refused."""

from __future__ import annotations

import json
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.files.strategies import text
from twin.files.cells import decoder, encode
from twin.model.services import Slo

number = st.floats(allow_nan=False, allow_infinity=False)
HINTS = {
    str: text,
    str | None: st.none() | text.filter(bool),
    float: number,
    float | None: st.none() | number,
    int: st.integers(-(10**15), 10**15),
    bool: st.booleans(),
    tuple[str, ...]: st.lists(text),
    tuple[float, ...]: st.lists(number),
    tuple[int, ...]: st.lists(st.integers(-99, 99)),
    dict[str, float]: st.dictionaries(text, number),
    dict[str, str]: st.dictionaries(text, text),
    tuple[tuple[float, float], ...]: st.lists(st.tuples(number, number).map(list)),
    tuple[tuple[str, str], ...]: st.lists(st.tuples(text, text).map(list)),
    Slo: st.fixed_dictionaries({}, optional={"availability": number, "p99_s": number}),
}


@given(st.sampled_from(list(HINTS)).flatmap(lambda hint: st.tuples(st.just(hint), HINTS[hint])))
def test_what_is_encoded_is_decoded(case):
    hint, value = case
    cell = encode(value)
    assert cell != ""
    assert decoder(hint)(cell) == value
    assert decoder(typing.Annotated[hint, "any note"])(cell) == value


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (["a", "b"], "a;b"),
        ({"db": 1.5}, "db=1.5"),
        ([[0.0, 90.0], [1.0, 330.0]], "0.0=90.0;1.0=330.0"),
        (True, "true"),
        (None, "~"),
        ("", "~"),
        ([], "~"),
        ("~", "~~"),
        (["a;b"], '["a;b"]'),
        (12000.0, "12000.0"),
        ("[x]", "[x]"),
    ],
)
def test_cells_are_short(value, cell):
    assert encode(value) == cell


@pytest.mark.parametrize(
    ("hint", "cell", "message"),
    [
        (float, "12 kW", "'12 kW' is not a number"),
        (float, "1_000", "not a number"),
        (float, "1e999", "not a finite number"),
        (float, "nan", "not a number"),
        (float, "٣", "not a number"),
        (int, "1.5", "not a whole number"),
        (int, "x", "not a number"),
        (bool, "yes", "not true or false"),
        (tuple[float, ...], "1;;2", "not a number"),
        (dict[str, float], "a", "has no '='"),
        (tuple[str, ...], "[1, ", "not readable as JSON"),
        (tuple[float, ...], "[" * 5000, "not readable as JSON"),
        (tuple[tuple[float, float], ...], "1=2=3", "not a pair"),
    ],
)
def test_what_is_no_cell_is_refused(hint, cell, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        decoder(hint)(cell)


@given(st.sampled_from(list(HINTS)), st.text() | st.from_regex(r"[\[{;=~0-9a\"]{1,8}", fullmatch=True))
def test_any_text_is_decoded_or_refused(hint, cell):
    try:
        value = decoder(hint)(cell)
    except ValueError:
        return
    json.dumps(value)
