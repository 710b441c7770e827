"""The YAML door: scalars, lines, duplicate keys, bounded aliases and depth, and what is not YAML."""

from __future__ import annotations

import json
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from twin.files.yaml import dump, load, parse, scalar
from twin.model.errors import DocumentError, PlanError


def problems(text: bytes | str) -> list[str]:
    """Return what is wrong with a text."""
    try:
        return [str(problem) for problem in parse(text, "f.yaml").problems]
    except DocumentError as error:
        return [str(problem) for problem in error.problems]


@pytest.mark.parametrize(
    "text",
    [
        "no",
        "on",
        "Yes",
        "off",
        "y",
        "12:30",
        "017",
        "0o17",
        "0x1F",
        "1_000",
        "2026-01-01",
        "1.2.3",
        "+",
        ".",
        "1e",
        "=",
        "<<",
        "00",
    ],
)
def test_words_stay_words(text):
    assert parse(f"a: {text}\n", "f").value == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e5", 1e5),
        ("-0.0", -0.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"no"', "no"),
        ("!!str 12", "12"),
        ("123456789012345678901", 123456789012345678901.0),
    ],
)
def test_core_scalars(text, value):
    found = parse(f"a: {text}\n", "f").value["a"]
    assert found == value and type(found) is type(value)


def test_lines_of_keys_items_and_what_is_missing():
    document = parse("a: 1\nracks:\n- name: x\n  fed_by:\n  - p\n  - q\n- name: y\n", "f")
    assert document.line(()) == 1
    assert document.line(("racks",)) == 2
    assert document.line(("racks", 0)) == 3
    assert document.line(("racks", 0, "fed_by", 1)) == 6
    assert document.line(("racks", 1, "name")) == 7
    assert document.line(("racks", 1, "budget")) == 7
    assert document.line(("nope", 3)) == 1


def test_every_duplicate_key_is_told_with_the_rest():
    found = problems("a: 1\na: 2\nb: {c: 1, c: 2}\nd: .nan\ne: !x 1\n<<: 3\n? [k]\n: 1\n")
    assert found == [
        "f.yaml:2: the key 'a' is given twice (keep one of the two; the first is in line 1)",
        "f.yaml:3: the key 'c' is given twice (keep one of the two; the first is in line 3)",
        "f.yaml:4: '.nan' is not a finite number",
        "f.yaml:5: the tag '!x' is not supported (remove it)",
        "f.yaml:6: merge keys ('<<') are not supported (write the values out)",
        "f.yaml:7: a key must be a word (write 'key: value')",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1: the file is empty"),
        ("# only a comment\n", "f.yaml:1: the file is empty"),
        ("---\n", "the document is empty"),
        (
            "a:\n\tb: 1\n",
            "f.yaml:2: not readable as YAML: found character that cannot start any token (indent with spaces",
        ),
        (
            "a: b: c\n",
            "f.yaml:1: not readable as YAML: mapping values are not allowed in this context (put text",
        ),
        ("a: 1\nb: [1, 2\nc: 3\n", "f.yaml:3: not readable as YAML: did not find expected ',' or ']'"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: a second document starts here"),
        (b"a: 1\nb: \xff\n", "f.yaml:2: byte 8 (0xff) is not UTF-8 text"),
        ("a: 1\nb: \x00\n", "f.yaml:2: the character U+0000 is not allowed"),
        ("a: \ud800\n", "f.yaml:1: the character U+D800 is not allowed"),
        ("a: &x [*x]\n", "f.yaml:1: '*x' lies inside what it refers to"),
        ("a: *x\n", "f.yaml:1: '*x' refers to no anchor above it (mark the value with &x)"),
        ("a: @x\n", "put text that starts with a special character in quotes"),
        ("[" * 100_000, "nested more than 60 deep"),
        ("a: " + "{a: " * 100_000, "nested more than 60 deep"),
        ("- " * 100_000, "nested more than 60 deep"),
    ],
)
def test_what_is_not_a_document_is_located(text, message):
    found = problems(text)
    assert len(found) == 1
    assert message in found[0]


def test_a_billion_laughs_are_refused():
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "aliases stand for more than 200,000 values" in problems("\n".join(lines))[0]


def test_anchors_are_read():
    document = parse("a: &x {b: [1]}\nc: *x\nd: [*x, *x]\n", "f")
    assert document.value["c"] == {"b": [1]}
    assert document.value["d"] == [{"b": [1]}] * 2
    assert document.line(("c", "b")) == 1
    assert document.line(("c",)) == 2


def test_load_raises_the_error_of_its_caller(tmp_path):
    path = tmp_path / "plan.yaml"
    with pytest.raises(PlanError, match="there is no such file"):
        load(path, PlanError)
    with pytest.raises(PlanError, match="is a folder"):
        load(tmp_path, PlanError)
    path.write_text("a: 1\na: 2\n")
    with pytest.raises(PlanError, match="given twice"):
        load(path, PlanError)
    (tmp_path / "plam.yaml").touch()
    with pytest.raises(PlanError, match=r"did you mean 'pla[mn]\.yaml'"):
        load(tmp_path / "plon.yaml", PlanError)


text = st.text(st.characters(codec="utf-8"), max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | finite | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text.filter(bool), inner, max_size=4),
    max_leaves=12,
)


@given(plain.filter(lambda value: value is not None))
def test_json_is_read_as_python_reads_it(value):
    for source in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1)):
        if value == "" or not isinstance(value, (dict, list)):
            continue
        printable = all(char.isprintable() or char in "\n\t" for char in source)
        if printable:
            assert parse(source, "f.json").value == value


tricky = st.sampled_from(
    [
        "no",
        "12:30",
        "0o17",
        "0x1F",
        "1e5",
        "017",
        "",
        "~",
        "null",
        "true",
        "- a",
        "a: b",
        "#",
        "<<",
        "r[01-40]",
        "2.5 MVA",
        "12",
        ".5",
        "=",
        "a #b",
        "a\nb",
        " a",
        "1_0",
        "0b1",
        "2026-01-01",
    ]
)


@given(
    st.dictionaries(
        tricky.filter(bool) | text.filter(bool),
        st.lists(tricky | text | finite, max_size=5) | tricky | plain,
        min_size=1,
        max_size=4,
    )
)
def test_dump_reads_back_and_other_readers_agree(value):
    written = dump(value)
    assert parse(written, "f").value == value
    if all(char.isprintable() for key in value for char in key):
        assert yaml.safe_load(written).keys() == value.keys()


@given(tricky)
def test_a_yaml_1_1_reader_sees_the_same_words(word):
    assert yaml.safe_load(dump([word])) == [word]


@given(st.text(max_size=30))
def test_any_plain_scalar_has_a_value(word):
    value = scalar(word)
    assert value is None or isinstance(value, (bool, int, float, str))
    assert not (isinstance(value, float) and math.isnan(value)) or "nan" in word.lower()
