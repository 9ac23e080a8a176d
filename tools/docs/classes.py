"""Pages of hooks, interfaces and plain data, from their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import reporting_framework
from reporting_framework.plugin_api import (
    base,
    engine,
    hookspecs,
    ledger,
    metadata,
    object_plan,
    object_source,
    observer,
    push_source,
    query,
    record_source,
    records,
    report,
    result,
    sink,
    source,
    table_query,
    table_source,
    transform,
    validator,
)
from reporting_framework.plugin_api import page as page_interface
from reporting_framework.registry.discovery import hook_names
from reporting_framework.registry.observers import LIFECYCLE_HOOKS
from reporting_framework.tables import dialect, sink_settings, table_sink
from tools.docs import sources
from tools.docs.docstrings import as_markdown, text_of
from tools.docs.markdown import fence, page

ROLES = (
    base,
    ledger,
    source,
    object_source,
    object_plan,
    table_source,
    table_query,
    record_source,
    push_source,
    validator,
    transform,
    sink,
    table_sink,
    dialect,
    sink_settings,
    metadata,
    engine,
    query,
    observer,
    page_interface,
    report,
)
"""Modules of the interfaces, in the order of their page."""

GUIDES = Path(__file__).parents[2] / "docs" / "how-to"


def hooks_page() -> str:
    """Render the page of all hooks."""
    names = hook_names()
    return page(
        "Hooks",
        as_markdown(text_of(hookspecs, "hookspecs")),
        "## Registration",
        "Called once for each plugin when plugins are loaded.",
        *_hooks(name for name in names if name not in LIFECYCLE_HOOKS),
        "## Lifecycle",
        "Called for each run, in the runner's thread. If an implementation raises, the"
        " type of the error is logged, and the run continues.",
        *_hooks(name for name in names if name in LIFECYCLE_HOOKS),
    )


def _hooks(names: Iterable[str]) -> list[str]:
    parts = []
    for name in names:
        hook = getattr(hookspecs, name)
        parts += [
            f"### {name}",
            fence(sources.signature(hook), "python"),
            as_markdown(text_of(hook, name)),
        ]
    return parts


def interfaces_page() -> str:
    """Render the interfaces of all roles, one module after the other."""
    shape = sources.assignments(base)["Shape"]
    parts = [part for module in ROLES for part in _module(module)]
    return page("Interfaces", f"`Shape` is `{shape[0]}`. {shape[1]}", *parts)


def _module(module: ModuleType) -> list[str]:
    text = as_markdown(text_of(module, module.__name__))
    functions = [
        item
        for name, item in vars(module).items()
        if inspect.isfunction(item)
        and item.__module__ == module.__name__
        and name in reporting_framework.__all__
    ]
    return [
        "---",  # else the text would seem to be of the class before it
        text,
        *[part for item in functions for part in function(item, "##")],
        *[
            part
            for kind in _classes(module)
            for part in (*described(kind), *_smallest(kind.__name__.lower()))
        ],
    ]


def _smallest(role: str) -> list[str]:
    """Return the smallest plugin of a role, if its how-to page shows one."""
    guide = GUIDES / f"write-a-{role}.md"
    shown = re.search(
        rf'^```python title="smallest_{role}\.py"\n(.*?)^```$',
        guide.read_text(encoding="utf-8") if guide.exists() else "",
        re.MULTILINE | re.DOTALL,
    )
    return [f"### The smallest {role}", fence(shown[1], "python")] if shown else []


def records_page() -> str:
    """Render the page of data between the roles, and of results."""
    constants = [
        f"- `{name} = {value}`: {text}"
        for name, (value, text) in sources.assignments(records).items()
        if not name.startswith("_") and text
    ]
    public = [
        getattr(reporting_framework, name)
        for name in vars(records)
        if name in reporting_framework.__all__
    ]
    functions = [item for item in public if inspect.isfunction(item)]
    return page(
        "Records and results",
        as_markdown(text_of(records, "records")),
        "## Constants",
        "\n".join(constants),
        "## Functions",
        *[part for item in functions for part in function(item)],
        "## What travels",
        *[part for kind in _classes(records) for part in described(kind, "###")],
        "## What a run says",
        as_markdown(text_of(result, "result")),
        *[part for kind in _classes(result) for part in described(kind, "###")],
    )


def function(item: object, level: str = "###") -> list[str]:
    """Render a function: its signature and its docstring."""
    name = getattr(item, "__name__", "")
    return [
        f"{level} {name}",
        fence(sources.signature(item), "python"),
        as_markdown(text_of(item, name)),
    ]


def _classes(module: ModuleType) -> list[type]:
    """Return the public classes of a module, in the order of its text."""
    return [
        member
        for name, member in vars(module).items()
        if inspect.isclass(member)
        and member.__module__ == module.__name__
        and not name.startswith("_")
    ]


def described(kind: type, level: str = "##") -> list[str]:
    """Render a class: its docstring, its fields and its public methods."""
    name = kind.__name__
    bases = [
        base.__name__
        for base in kind.__bases__
        if base.__module__ == kind.__module__ and base.__name__[0] != "_"
    ]
    parts = [f"{level} {name}", as_markdown(text_of(kind, name))]
    if bases:
        parts.insert(1, f"Has what [{bases[0]}](#{bases[0].lower()}) has, and:")
    if declared := sources.fields(kind):
        lines = [
            f"{field}: {hint}{f' = {default}' if default else ''}"
            for field, hint, default in declared
        ]
        parts.append(fence("\n".join(lines), "python"))
    for method, item in vars(kind).items():
        if not method.startswith("_") and (
            inspect.isfunction(item) or isinstance(item, property | classmethod)
        ):
            text = as_markdown(_method_text(kind, method))
            if getattr(item, "__isabstractmethod__", False):
                text = f"*Abstract: every subclass must have it.* {text}"
            parts += [
                f"{level}# {name}.{method}",
                fence(sources.signature(item), "python"),
                text,
            ]
    return parts


def _method_text(kind: type, method: str) -> str:
    """Return a method's docstring; an override without one refers to its base class."""
    item = vars(kind)[method]
    overridden = [base for base in kind.__mro__[1:] if method in vars(base)]
    if overridden and not item.__doc__:
        return f"See `{overridden[0].__name__}.{method}`."
    return text_of(item, f"{kind.__name__}.{method}")
