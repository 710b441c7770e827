"""Reading and running the fenced blocks of a Markdown page.

A block says in a comment right above its fence how it is tested::

    <!-- test -->              run it
    <!-- test: data -->        run it if the real data sets are there
    <!-- test: skip REASON --> do not run it

``console`` blocks hold lines ``$ command`` (continued by a final backslash) and what the command prints.
Where nothing is shown, anything may be printed; a line ``...`` stands for any lines, ``...`` within a line
for any text. A command must succeed, unless ``$ echo $?`` comes next. ``python`` blocks are scripts; what
they print is compared with the ``text`` block below them if that is announced by ``<!-- output -->``.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

RUNNABLE = ("console", "python")
PROSE = ("text", "yaml", "json", "mermaid")
_FENCE = re.compile(r"^ *(```+)(\w*)\s*$")
_COMMENT = re.compile(r"^ *<!-- *(.*?) *-->\s*$")
_STATUS = "~~~ status "
_TIMEOUT_S = 600


@dataclass(frozen=True)
class Block:
    """One fenced block of a page; *line* is that of its first line of content."""

    page: Path
    line: int
    language: str
    text: str
    comment: str
    output: str | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command of a console block and the lines that it should print, if any are shown."""

    text: str
    expected: tuple[str, ...]


class Mismatch(AssertionError):
    """A block that does not do what the page shows."""


def blocks(page: Path, text: str) -> list[Block]:
    """Return the fenced blocks of a page in order; an announced output belongs to the block above it."""
    found: list[Block] = []
    for block in _fenced(page, text):
        if block.comment == "output" and found:
            found[-1] = replace(found[-1], output=block.text)
        else:
            found.append(block)
    return found


def fault(block: Block) -> str:
    """Return what is wrong with how a block is marked, or the empty string."""
    if block.language in PROSE:
        return ""
    if block.language not in RUNNABLE:
        return f"write the language of the block, one of {', '.join((*RUNNABLE, *PROSE))}"
    if re.fullmatch(r"test|test: data|test: skip \S.*", block.comment):
        return ""
    return "say right above it <!-- test -->, <!-- test: data --> or <!-- test: skip REASON -->"


def run(block: Block, folder: Path, environment: Mapping[str, str]) -> None:
    """Run a block in a folder; raise Mismatch where page and reality differ."""
    if block.language == "console":
        _run_console(block, folder, environment)
    else:
        _run_python(block, folder, environment)


def commands(text: str) -> list[Command]:
    """Split the text of a console block into its commands and what each prints."""
    found: list[Command] = []
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\"):
                command += "\n" + next(lines)
            found.append(Command(command, ()))
        elif found:
            found[-1] = replace(found[-1], expected=(*found[-1].expected, line))
        else:
            raise Mismatch(f"a console block begins with '$ ', not with {line!r}")
    return found


def matches(expected: tuple[str, ...], printed: str) -> bool:
    """Whether the printed text is the expected one, where ``...`` stands for anything."""
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(part) for part in line.rstrip().split("...")) + r" *\n"
    return re.fullmatch(pattern, printed.rstrip("\n") + "\n") is not None


def _fenced(page: Path, text: str) -> Iterator[Block]:
    comment = fence = language = ""
    start = 0
    lines = text.splitlines()
    for number, line in enumerate(lines):
        opening = _FENCE.match(line)
        if fence:
            if opening and opening[1] == fence and not opening[2]:
                body = "".join(f"{row}\n" for row in lines[start:number])
                yield Block(page, start + 1, language, body, comment)
                comment = fence = ""
        elif opening:
            fence, language, start = opening[1], opening[2], number + 1
        elif line.strip():
            remark = _COMMENT.match(line)
            comment = remark[1] if remark else ""
    if fence:
        raise Mismatch(f"{page}:{start}: this block has no end")


def _run_console(block: Block, folder: Path, environment: Mapping[str, str]) -> None:
    rows = commands(block.text)
    # The status of each command is told and then restored, so that `echo $?` still sees it.
    script = "".join(f"{row.text}\n_s=$?; printf '\\n{_STATUS}%d\\n' $_s; (exit $_s)\n" for row in rows)
    printed = _process(["bash", "-c", script], block, folder, environment).stdout
    parts = re.split(rf"\n{_STATUS}(\d+)\n", printed)
    outputs, statuses = parts[:-1:2], [int(status) for status in parts[1::2]]
    for index, row in enumerate(rows):
        if index >= len(statuses):
            raise Mismatch(f"{block}: the block ended within: $ {row.text}\n{parts[-1]}")
        asked = index + 1 < len(rows) and rows[index + 1].text.strip() == "echo $?"
        if statuses[index] and not asked:
            raise Mismatch(f"{block}: exit code {statuses[index]} of: $ {row.text}\n{outputs[index]}")
        if row.expected and not matches(row.expected, outputs[index]):
            _differ(block, f"$ {row.text}", "\n".join(row.expected), outputs[index])


def _run_python(block: Block, folder: Path, environment: Mapping[str, str]) -> None:
    done = _process([sys.executable, "-c", block.text], block, folder, environment)
    if done.returncode:
        raise Mismatch(f"{block}: the script ended with {done.returncode}\n{done.stdout}")
    if block.output is not None and not matches(tuple(block.output.splitlines()), done.stdout):
        _differ(block, "the script", block.output, done.stdout)


def _process(
    command: list[str], block: Block, folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise Mismatch(f"{block}: not finished after {_TIMEOUT_S} s\n{late.stdout!r}") from late


def _differ(block: Block, what: str, expected: str, printed: str) -> None:
    raise Mismatch(f"{block}: {what}\n--- the page shows\n{expected}\n--- it printed\n{printed}")
