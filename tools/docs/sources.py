"""Facts that are read from source text, which is the same in every Python."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import ModuleType
from typing import Any


def signature(function: object) -> str:
    """Return the text of a function or a property from its decorator to its colon."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(_plain(function))))
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)  # noqa: S101 - for mypy
    definition.body, definition.decorator_list = [ast.Expr(ast.Constant(...))], []
    head = ast.unparse(definition).partition(":\n")[0].removesuffix(":\n    ...")
    kinds = {"property": property, "classmethod": classmethod}
    decorators = [
        f"@{name}\n" for name, kind in kinds.items() if isinstance(function, kind)
    ]
    return "".join([*decorators, _wrapped(head)])


def assignments(module: ModuleType) -> dict[str, tuple[str, str]]:
    """Return the names that a module assigns.

    Each has its value as it is written and the docstring that follows.
    """
    documented: dict[str, tuple[str, str]] = {}
    source = inspect.getsource(module)
    body = ast.parse(source).body
    for statement, following in zip(body, [*body[1:], None], strict=True):
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(target, ast.Name) and isinstance(statement, ast.Assign):
            docstring = following.value if isinstance(following, ast.Expr) else None
            text = (
                docstring.value
                if isinstance(docstring, ast.Constant)
                and isinstance(docstring.value, str)
                else ""
            )
            documented[target.id] = (
                _written(source, statement.value),
                inspect.cleandoc(text),
            )
    return documented


def fields(kind: type) -> list[tuple[str, str, str]]:
    """Return the annotated names of a class in their order.

    Each has its type and its default as they are written.
    """
    text = textwrap.dedent(inspect.getsource(kind))
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - for mypy
    return [
        (
            statement.target.id,
            _written(text, statement.annotation),
            _written(text, _default(statement.value)),
        )
        for statement in tree.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
    ]


def _default(value: ast.expr | None) -> ast.expr | None:
    """Return a default, also the default of a pydantic field."""
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == "Field"
    ):
        named = [item.value for item in value.keywords if item.arg == "default"]
        return next(iter([*value.args, *named]), None)
    return value


def _written(text: str, node: ast.expr | None) -> str:
    return " ".join((ast.get_source_segment(text, node) or "").split()) if node else ""


def _plain(function: Any) -> Any:
    return (
        function.fget
        if isinstance(function, property)
        else getattr(function, "__func__", function)
    )


def _wrapped(head: str) -> str:
    """Wrap a long head, with one argument a line."""
    if len(head) <= 100:
        return head
    call = ast.parse(f"{head}: ...").body[0]
    assert isinstance(call, ast.FunctionDef)  # noqa: S101 - for mypy
    opening, _, _ = head.partition("(")
    returns = f" -> {ast.unparse(call.returns)}" if call.returns else ""
    inside = head[len(opening) + 1 : len(head) - len(returns) - 1]
    return f"{opening}(\n{textwrap.indent(_split(inside), '    ')}\n){returns}"


def _split(arguments: str) -> str:
    """Split arguments at commas that are not in brackets."""
    lines, depth, start = [], 0, 0
    for at, char in enumerate(arguments):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            lines.append(arguments[start:at].strip())
            start = at + 1
    return ",\n".join([*lines, arguments[start:].strip()]) + ","
