"""The error tree: what its docstring draws is what there is, and every message is one bounded line."""

import inspect

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import errors
from reporting_framework.errors import MESSAGE_LIMIT, ReportingError

CLASSES = [
    each
    for _, each in inspect.getmembers(errors, inspect.isclass)
    if issubclass(each, ReportingError)
]


def drawn() -> dict[str, str | None]:
    """Parents by class, as the docstring draws them."""
    parents: dict[str, str | None] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        bare = line.strip("│├└─ ")
        name = bare.split(" ")[0]
        if name in {each.__name__ for each in CLASSES}:
            depth = (len(line) - len(line.lstrip("│├└─ ")) - 4) // 4
            parents[name] = path[depth - 1] if depth else None
            path[depth:] = [name]
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    real = {each.__name__: each.__mro__[1].__name__ for each in CLASSES}
    assert drawn() == {**real, "ReportingError": None}


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_has_an_exit_code_and_says_what_to_do_with_it(kind):
    assert kind.exit_code in (1, 2)
    assert kind.__doc__


@given(st.text(max_size=3000))
def test_a_message_is_one_bounded_line(text):
    message = str(ReportingError(text))
    assert len(message) <= MESSAGE_LIMIT
    assert len(message.splitlines()) <= 1
    if len(" ".join(text.split())) <= MESSAGE_LIMIT:
        assert message == " ".join(text.split())
    else:
        assert message.endswith("…")
