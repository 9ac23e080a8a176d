"""Positions of keys in TOML: every key and item has the position at which it is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.config.positions import Position, Positions


def paths_of(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all keys and items within a value."""
    if path:
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from paths_of(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from paths_of(item, (*path, str(number)))


NAMES = st.sampled_from(["a", "b-1", "ä b", 'q"', "1", "x.y", "日本"])
LEAVES = st.sampled_from(
    ["1", "true", "'é'", '"a # b"', '"""\nx = 1\n[y]"""', "2024-01-02", "-1.5e3"]
)
SPACE = st.sampled_from(["", " ", "\t"])


def quoted(name: str) -> str:
    """A name as it may be written in TOML."""
    if name.isascii() and name.replace("-", "").isalnum():
        return name
    return '"' + name.replace('"', '\\"') + '"'


@st.composite
def values(draw: st.DrawFn, depth: int = 0) -> str:
    """The text of a value."""
    kind = draw(st.sampled_from(["leaf", "array", "table"])) if depth < 3 else "leaf"
    if kind == "leaf":
        return draw(LEAVES)
    if kind == "array":
        items = draw(st.lists(values(depth + 1), max_size=3))
        gap = draw(st.sampled_from(["", "\n ", " # é [\n"]))
        return "[" + ",".join(f"{gap}{item}" for item in items) + "\n]"
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    pairs = (f"{quoted(name)} = {draw(values(depth + 1))}" for name in names)
    return "{ " + ", ".join(pairs) + " }"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """The text of a document."""
    lines = []
    for number in range(draw(st.integers(0, 4))):
        header = f"{draw(SPACE)}{{}}{quoted(draw(NAMES))}.t{number}{{}}"
        many = draw(st.booleans())
        for _ in range(draw(st.integers(1, 2)) if many else 1):
            lines.append(header.format(*(("[[", "]]") if many else ("[", "] # c"))))
            names = draw(st.lists(NAMES, max_size=3, unique=True))
            lines += [
                f"{draw(SPACE)}{quoted(name)}{draw(SPACE)}= {draw(values())}"
                for name in names
            ]
    return draw(st.sampled_from(["\n", "\r\n"])).join([*lines, ""])


@given(documents())
def test_every_key_and_item_has_a_position_at_which_it_is_written(text):
    document = tomllib.loads(text)
    positions, lines = Positions(text), text.split("\n")
    for path in paths_of(document):
        line, column = positions.of(path) or Position(0, 0)
        assert path in positions, path
        rest = lines[line - 1][column - 1 :]
        if not path[-1].isdigit():
            assert rest.startswith((quoted(path[-1]), f"'{path[-1]}'")), (path, rest)
        else:
            assert rest[:1] not in ("", " ", ",", "#", "]"), (path, rest)


def test_a_path_that_is_not_there_has_the_position_of_what_is_around_it():
    positions = Positions("# c\n[a.b]\nc = [{ d = 1 }]\n")
    assert positions.of(("a", "b", "c", "0", "e", "f")) == (3, 6)
    assert positions.of(("a", "b", "x")) == (2, 4)
    assert positions.of(("x",)) is None
    assert ("a", "b", "x") not in positions
