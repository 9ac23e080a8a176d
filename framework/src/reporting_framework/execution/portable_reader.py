"""Reader of splits that can be sent to another process.

Plugins are sent as classes and settings, and built where they arrive.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from reporting_framework._text.messages import cause
from reporting_framework.errors import PluginError
from reporting_framework.execution.plugin_errors import owner_of, rebuilding
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.split_reader import PreparedPart, SplitReader
    from reporting_framework.plugin_api.records import Split


@dataclass(frozen=True)
class PortableReader:
    """Reader of splits as data: the plugins, and what else it needs, pickled.

    Another process that unpickles it gets the reader itself.

    Attributes:
        reader: The reader, for this process.
        plugins: Source, validator and transforms, each pickled.
        rest: The reader without plugins, and what the plugins were given after they
            were built: the stream and the columns of the source.
    """

    reader: SplitReader
    plugins: list[bytes]
    rest: tuple[SplitReader, str | None, pl.Schema | None]

    def __call__(self, split: Split) -> Iterator[PreparedPart]:
        """Read, validate and transform a split in this process."""
        return self.reader(split)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.plugins, *self.rest)


def portable(reader: SplitReader, source_schema: pl.Schema | None) -> PortableReader:
    """Return a reader that can be sent to another process.

    Args:
        reader: The reader.
        source_schema: Columns that its validator was bound to, `None` if to none.

    Raises:
        PluginError: A plugin cannot be built in another process.
    """
    source, stream = reader.source, reader.source.stream
    if stream is not None and source.reads_streams_together:
        raise PluginError(
            f"{owner_of(source).subject}: it reads its streams together, in one"
            " process; use engine local"
        )
    plugins = [
        _pickled(plugin) for plugin in (source, reader.validator, *reader.transforms)
    ]
    nothing: Any = None
    bare = replace(reader, source=nothing, validator=nothing, transforms=())
    return PortableReader(reader, plugins, (bare, stream, source_schema))


def _rebuilt(
    plugins: list[bytes],
    bare: SplitReader,
    stream: str | None,
    source_schema: pl.Schema | None,
) -> SplitReader:
    """Build the plugins of a reader in this process."""
    source, validator, *transforms = map(_built, plugins)
    if stream is not None:
        source.select_stream(stream)
    if source_schema is not None and supports(validator, "bind"):
        validator.bind(source_schema)
    return replace(bare, source=source, validator=validator, transforms=transforms)


def _built(plugin: bytes) -> Any:
    make, args = pickle.loads(plugin)  # noqa: S301 - of `_pickled`
    return make(*args)


def _pickled(plugin: Any) -> bytes:
    """Return what builds a guarded plugin in another process, pickled.

    Raises:
        PluginError: Its class or its settings cannot be sent there.
    """
    data = io.BytesIO()
    try:
        _Pickler(data, pickle.HIGHEST_PROTOCOL).dump(rebuilding(plugin))
    except Exception as error:  # objects may raise anything while they are pickled
        raise PluginError(
            f"{owner_of(plugin).subject}: it cannot be built in another process"
            f" ({cause(error)}); define its class in a module that can be imported and"
            " give it plain settings, or use engine local"
        ) from error
    return data.getvalue()


class _Pickler(pickle.Pickler):
    """Pickler that refuses what only this process can import."""

    @override
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType) and obj.__module__ == "__main__":
            raise pickle.PicklingError(f"{obj.__qualname__} is defined in __main__")
        return NotImplemented
