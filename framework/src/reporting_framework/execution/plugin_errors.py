"""Error boundary between the framework and its plugins.

An error of a plugin's own is wrapped once, and the message names the plugin. `guard`
puts the boundary around a plugin when a pipeline is built, so callers need not do it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple, NoReturn, ParamSpec, TypeVar, cast

from reporting_framework._text.messages import message_of, system_problem
from reporting_framework.errors import ReportingError, StepFailed, StorageUnavailable
from reporting_framework.execution.plugin_results import (
    check_item,
    check_result,
    item_type,
)

P = ParamSpec("P")
T = TypeVar("T")

_log = logging.getLogger(__name__)

_PARTS = {"quarantine": "quarantine", "history": "history of"}
"""Roles of the parts of a metadata store that are also guarded, by attribute."""


class Owner(NamedTuple):
    """Names that identify a plugin in messages.

    Attributes:
        report: Report that uses the plugin.
        role: Role of the plugin.
        name: Name of the plugin.
    """

    report: str
    role: str
    name: str

    @property
    def subject(self) -> str:
        """The plugin as the subject of a message."""
        return f"report {self.report}: {self.role} {self.name}"


def call(
    owner: Owner, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Call a function of a plugin, or a function that iterates over its results.

    Raises:
        ReportingError: As `raise_wrapped`.
    """
    try:
        return function(*args, **kwargs)
    except BaseException as error:
        raise_wrapped(error, owner)


def raise_wrapped(error: BaseException, owner: Owner) -> NoReturn:
    """Wrap and raise a plugin's own error, so that the message names the plugin.

    A `ReportingError`, or an error that ends the process, is raised unchanged. The
    message never holds a value of a record.

    Raises:
        ReportingError: The plugin raised an error of the operating system, or polars
            could not read a bucket.
        StepFailed: The plugin raised any other error that is not a `ReportingError`.
    """
    if isinstance(error, ReportingError):
        raise error
    panic = type(error).__name__ == "PanicException"  # of libraries in Rust
    if not isinstance(error, Exception | SystemExit) and not panic:
        raise error
    named = owner.subject
    if isinstance(error, OSError) and "object-store error: " in message_of(
        error
    ):  # of polars, reading a bucket
        from reporting_framework.storage import storage_error

        raise storage_error(error, named) from error
    system = (
        isinstance(error, OSError)
        or panic
        or type(error).__module__.startswith("polars.")
    )
    if system and (problem := system_problem(error)):  # a full disk, most often
        filename = getattr(error, "filename", None)
        where = f"{filename}: " if isinstance(filename, str) else ""
        raise StorageUnavailable(f"{named}: {where}{problem}") from error
    raise StepFailed(
        f"{named} raised {type(error).__name__}; see the log for where"
    ) from error


def guard(plugin: T, owner: Owner) -> T:
    """Return a proxy of a plugin whose methods and attributes raise wrapped errors.

    See `raise_wrapped`. Iterators that methods return are guarded too, and so are the
    ledger of a sink, and quarantine and history of a metadata store. The types of
    results are checked (`plugin_results`). The proxy is an instance of the plugin's
    class; attributes set on the proxy are set on the plugin.
    """
    if plugin is None or issubclass(type(plugin), _Guarded):
        return plugin
    public = {
        name: _attribute(name) for name in dir(plugin) if not name.startswith("_")
    }
    stand_in: Any = type(type(plugin).__name__, (_Guarded,), public)
    return cast(T, stand_in(plugin, owner))


def owner_of(plugin: object) -> Owner:
    """Return the owner of a guarded plugin."""
    owner: Owner = object.__getattribute__(plugin, "_owner")
    return owner


def build(owner: Owner, plugin: Callable[..., T], *args: Any) -> T:
    """Build a plugin from its class and settings, and guard it."""
    built = guard(call(owner, plugin, *args), owner)
    if issubclass(type(built), _Guarded):
        object.__setattr__(built, "_built_from", (plugin, args))
    return built


def rebuilding(plugin: T) -> tuple[Callable[..., T], tuple[Any, ...]]:
    """Return a function and its arguments that build a guarded plugin again.

    A plugin of `build` is built from its class and settings, without what it has done
    since; any other plugin is copied.
    """
    if (built_from := object.__getattribute__(plugin, "_built_from")) is None:
        return guard, (object.__getattribute__(plugin, "_plugin"), owner_of(plugin))
    make, args = built_from
    return build, (owner_of(plugin), make, *args)


def log_errors(action: Callable[[], object], consequence: str) -> bool:
    """Call an action whose failure is only logged; return whether it succeeded."""
    try:
        action()
    except ReportingError as error:
        _log.warning(
            "%s: %s", consequence, error, exc_info=isinstance(error, StepFailed)
        )
        return False
    return True


@contextmanager
def closing(items: Iterable[T]) -> Iterator[Iterator[T]]:
    """Close a guarded iterator when the block ends, early or not.

    The iterator is closed at once, not when the garbage collector finds it.
    """
    iterator = iter(items)
    try:
        yield iterator
    finally:
        if isinstance(iterator, _GuardedIterator):
            log_errors(iterator.close, "while closing")


class _Guarded:
    """Proxy of a plugin; see `guard`."""

    _built_from: tuple[Callable[..., Any], tuple[Any, ...]] | None = None

    def __init__(self, plugin: Any, owner: Owner) -> None:
        object.__setattr__(self, "_plugin", plugin)
        object.__setattr__(self, "_owner", owner)

    @property  # type: ignore[misc]  # what `isinstance` looks at
    def __class__(self) -> type:
        return type(self._plugin)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(object.__getattribute__(self, "_plugin"), name)
        return (
            attribute
            if name.startswith("_")
            else _guarded(attribute, self._owner, name)
        )

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._plugin, name, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return guard, (self._plugin, self._owner)


class _GuardedIterator(Iterator[T]):
    """Iterator of a plugin, guarded."""

    def __init__(self, items: Iterator[T], owner: Owner, method: str) -> None:
        self._items, self._owner, self._method = items, owner, method
        self._type = item_type(owner.role, method)

    def __next__(self) -> T:
        try:
            item = next(self._items)
        except StopIteration:
            raise
        except BaseException as error:
            raise_wrapped(error, self._owner)
        if self._type is not None:
            check_item(item, self._type, self._method, self._owner.subject)
        return item

    def close(self) -> None:
        """Close the iterator, if it can be closed."""
        if callable(close := getattr(self._items, "close", None)):
            call(self._owner, close)


@cache
def _attribute(name: str) -> property:
    """Return a property of a proxy that reads the plugin's attribute, guarded."""

    def read(self: Any) -> Any:
        return _guarded(
            call(self._owner, getattr, self._plugin, name), self._owner, name
        )

    return property(read)


def _guarded(value: Any, owner: Owner, name: str) -> Any:
    """Return a method or a part of the plugin, guarded; other values unchanged."""
    if name in _PARTS and value is not None:
        role = _PARTS[name]
        return guard(value, Owner(owner.report, role, _part_name(role, value)))
    if not callable(value) or isinstance(value, type):
        check_result(value, owner.role, name, owner.subject)
        return value

    def method(*args: Any, **kwargs: Any) -> Any:
        result = call(owner, value, *args, **kwargs)
        check_result(result, owner.role, name, owner.subject)
        if item_type(owner.role, name) or isinstance(result, Iterator):
            return _GuardedIterator(call(owner, iter, result), owner, name)
        return guard(result, owner) if name == "ledger" else result

    return method


def _part_name(role: str, part: object) -> str:
    return type(part).__name__ if role == "quarantine" else "runs"
