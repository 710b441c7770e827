"""Foreign tables: every bad cell is named with its file and line, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from twin.model.errors import Problem
from twin.sync.foreign import MAX_PROBLEMS, Column, amount, count, optional, read_lines, real, text

COLUMNS = (
    Column("name", text),
    Column("size", count),
    Column("note", optional, required=False, default="none"),
)


def read(path: Path, content: str | bytes) -> tuple[list[dict[str, object]], list[str]]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    problems: list[Problem] = []
    lines = read_lines(path, COLUMNS, problems)
    return [line.cells for line in lines], [str(problem).replace(f"{path}", "t.csv") for problem in problems]


def test_a_good_table_is_read_with_byte_order_mark_blank_lines_and_other_columns(tmp_path: Path) -> None:
    content = "\ufeffsize,name,other\r\n4, a ,x\r\n\r\n5.0,b,\r\n"
    rows, problems = read(tmp_path / "t.csv", content)
    assert problems == []
    assert rows == [{"name": "a", "size": 4, "note": "none"}, {"name": "b", "size": 5, "note": "none"}]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    content = "name,size\na,1\nb\nc,x\nd,-1\ne,NaN\n,2.5\nf,1e99\n"
    rows, problems = read(tmp_path / "t.csv", content)
    assert [row["name"] for row in rows] == ["a"]
    assert problems == [
        "t.csv:3: has 1 cells, the header 2",
        "t.csv:4 size: 'x' is not a number",
        "t.csv:5 size: '-1' is negative",
        "t.csv:6 size: 'NaN' is not a number that can be used",
        "t.csv:7 name: is empty",
        "t.csv:7 size: '2.5' is not a whole number",
        "t.csv:8 size: '1e99' is not a number that can be used",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "t.csv: is empty (expected the columns name, size)"),
        ("name,size\n", "t.csv: the table has no rows"),
        ("nane,size\na,1\n", "t.csv:1: there is no column 'name' (did you mean 'nane'?)"),
        ("name,size,size\na,1,2\n", "t.csv:1: the column 'size' stands twice (keep one of them)"),
        (b"name,size\n\xff\xfe,1\n", "t.csv: is not UTF-8 text (byte 10) (save it as UTF-8)"),
        ('name,size\n"a,1\n', "t.csv: is no CSV table: unexpected end of data"),
    ],
)
def test_a_file_that_is_no_such_table_says_why(tmp_path: Path, content: str | bytes, said: str) -> None:
    rows, problems = read(tmp_path / "t.csv", content)
    assert (rows, problems) == ([], [said])


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    problems: list[Problem] = []
    (tmp_path / "nodes.csv").touch()
    assert read_lines(tmp_path / "node.csv", COLUMNS, problems) == []
    assert [problem.what for problem in problems] == ["there is no such file"]
    assert problems[0].mend == "did you mean 'nodes.csv'?"


def test_thousands_of_problems_are_counted_not_listed(tmp_path: Path) -> None:
    _, problems = read(tmp_path / "t.csv", "name,size\n" + "a,x\n" * 500)
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1] == "t.csv: has 400 more problems (mend the ones above first)"


def test_numbers_may_be_signed_only_where_that_makes_sense() -> None:
    assert (real("-3.5"), amount("3.5"), count("7")) == (-3.5, 3.5, 7)
    with pytest.raises(ValueError, match="negative"):
        amount("-3.5")
