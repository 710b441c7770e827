"""Bracket names: ``r[01-40]`` stands for r01, r02, ..., r40.

A bracket holds a comma list of words, numbers, number ranges (`01-40`) and letter ranges (`a-c`). Leading
zeros are kept. Several brackets multiply, the last one runs fastest, as in nested loops.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

from twin.model.errors import UsageError

LIMIT = 1_000_000  # names that one bracket expression may stand for
_DIGITS = 15  # longer numbers are treated as words
_TOKEN = re.compile(r"\[[^\]]*\]|[0-9]+|[A-Za-z]+|.", re.DOTALL)
_Item = tuple[range, Callable[[int], str]]  # numbers, and how each is written
_WORD = re.compile(r"[A-Za-z0-9]+")
_RANGE = re.compile(r"([A-Za-z0-9]+)-([A-Za-z0-9]+)")


class BracketError(UsageError, ValueError):
    """A bracket name that cannot be expanded: *what* is wrong and the likely *mend*."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(f"{what} ({mend})" if mend else what)
        self.what, self.mend = what, mend


def is_bracketed(text: str) -> bool:
    """Return whether *text* holds a bracket, well formed or not."""
    return "[" in text or "]" in text


def expand(text: str, limit: int = LIMIT) -> tuple[str, ...]:
    """Return the names that *text* stands for, in order; raise BracketError when it is malformed."""
    if not is_bracketed(text):
        return (text,)
    parts = [_choices(body, text) if bracket else [body] for body, bracket in list(_split(text, limit))]
    names = tuple("".join(choice) for choice in itertools.product(*parts))
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise BracketError(f"'{text}' names '{twice}' twice", "name each thing once")
    return names


def expand_all(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names that a list of bracket names stands for, in order."""
    return tuple(itertools.chain.from_iterable(expand(text) for text in texts))


def compress(names: Iterable[str]) -> list[str]:
    """Return bracket names whose expansions, one after the other, are exactly *names*."""
    items, count = list(names), -1
    while len(items) != count:
        count = len(items)
        items = list(_merge(items))
    return items


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key by which r2 comes before r10."""
    tokens = re.findall(r"[0-9]+|[^0-9]+", name)
    return tuple((0, int(token), token) if _is_number(token) else (1, 0, token) for token in tokens)


def _split(text: str, limit: int) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of *text* with whether each is the inside of a bracket; refuse what is too large."""
    inside, piece, size = False, "", 1
    for char in text:
        if char == "[" and inside:
            raise BracketError(f"'{text}' has a bracket inside a bracket", "write them one after the other")
        if char == "]" and not inside:
            raise BracketError(f"'{text}' closes a bracket that was not opened", "remove the ']'")
        if char in "[]":
            if inside:
                size *= _count(piece, text)
                if size > limit:
                    raise BracketError(
                        f"'{text}' stands for more than {limit:,} names", "use a table (CSV or Parquet)"
                    )
            yield piece, inside
            inside, piece = char == "[", ""
        else:
            piece += char
    if inside:
        raise BracketError(f"'{text}' opens a bracket and does not close it", "add a ']'")
    yield piece, False


def _choices(body: str, text: str) -> list[str]:
    return [word(number) for numbers, word in _items(body, text) for number in numbers]


def _count(body: str, text: str) -> int:
    return sum(len(numbers) for numbers, _ in _items(body, text))


def _items(body: str, text: str) -> list[_Item]:
    return [_item(item.strip(), text) for item in body.split(",")]


def _item(item: str, text: str) -> _Item:
    """Return one entry of a bracket, a word or a range, not yet written out (a range may be huge)."""
    if _WORD.fullmatch(item):
        return range(1), lambda _: item
    match = _RANGE.fullmatch(item)
    if match is None:
        raise BracketError(
            f"'{text}': '{item}' is not a number, a letter or a range", "write e.g. r[01-40] or row-[a-c]"
        )
    low, high = match.groups()
    if _is_number(low) and _is_number(high):
        return _numbers(low, high, text)
    if len(low) == len(high) == 1 and low.isalpha() and high.isalpha() and low.islower() == high.islower():
        _ascending(ord(low), ord(high), item, text)
        return range(ord(low), ord(high) + 1), chr
    raise BracketError(
        f"'{text}': '{item}' has ends of different kinds", "use two numbers or two letters of one case"
    )


def _numbers(low: str, high: str, text: str) -> _Item:
    width, first, last = _width(low), int(low), int(high)
    if _width(high) and len(high) != len(low) or len(high) < width:
        raise BracketError(
            f"'{text}': '{low}-{high}' has ends that are padded differently",
            f"write {low.zfill(len(high))}-{high.zfill(len(low))}",
        )
    _ascending(first, last, f"{low}-{high}", text)
    return range(first, last + 1), lambda number: f"{number:0{width}d}"


def _ascending(first: int, last: int, item: str, text: str) -> None:
    if first > last:
        low, high = item.split("-")
        raise BracketError(f"'{text}': '{item}' runs backwards", f"write {high}-{low}")


def _is_number(token: str) -> bool:
    return token.isascii() and token.isdigit() and len(token) <= _DIGITS


def _width(token: str) -> int:
    """Return the width to which a number that starts a range is padded; 0 when it is not."""
    return len(token) if len(token) > 1 and token.startswith("0") else 0


def _merge(items: Sequence[str]) -> Iterator[str]:
    """Yield *items* with each stretch that differs in one number or letter written as one bracket name."""
    start = 0
    while start < len(items):
        place, end = _stretch(items, start)
        if end - start < 2:
            yield items[start]
        else:
            tokens = [_TOKEN.findall(item) for item in items[start:end]]
            body = _ranges([token[place] for token in tokens])
            yield "".join([*tokens[0][:place], f"[{body}]", *tokens[0][place + 1 :]])
        start = end


def _stretch(items: Sequence[str], start: int) -> tuple[int, int]:
    """Return the token that varies from *start* on, and where the stretch that varies only there ends."""
    if start + 1 == len(items):
        return 0, start + 1
    first = _TOKEN.findall(items[start])
    place = _only_difference(first, _TOKEN.findall(items[start + 1]))
    if place is None or any(token.startswith("[") for token in first[:place]):
        return 0, start + 1  # right of a bracket another one would run faster and change the order
    seen, end = {first[place]}, start + 1
    while end < len(items):
        tokens = _TOKEN.findall(items[end])
        if _only_difference(first, tokens) != place or tokens[place] in seen:
            break
        seen.add(tokens[place])
        end += 1
    return place, end


def _only_difference(one: Sequence[str], other: Sequence[str]) -> int | None:
    """Return the index of the single number or letter in which two token lists differ."""
    if len(one) != len(other):
        return None
    places = [index for index, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]
    if len(places) != 1:
        return None
    left, right = one[places[0]], other[places[0]]
    numbers = _is_number(left) and _is_number(right)
    letters = (
        len(left) == len(right) == 1
        and left.isalpha()
        and right.isalpha()
        and left.islower() == right.islower()
    )
    return places[0] if numbers or letters else None


def _ranges(words: Sequence[str]) -> str:
    """Return the body of the bracket that stands for *words*, in order: '01-03,07'."""
    parts, index = [], 0
    while index < len(words):
        last = index
        while last + 1 < len(words) and words[last + 1] == _successor(words[last], _width(words[index])):
            last += 1
        parts.append(words[index] if last == index else f"{words[index]}-{words[last]}")
        index = last + 1
    return ",".join(parts)


def _successor(word: str, width: int) -> str:
    if not _is_number(word):
        return chr(ord(word) + 1)
    following = f"{int(word) + 1:0{width}d}"
    return following if len(following) <= _DIGITS else ""
