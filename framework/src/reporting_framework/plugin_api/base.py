"""Base class of every plugin, and the helpers that all roles share.

Nothing in this package imports polars or pydantic when it is imported, so that a plugin
module stays light.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reporting_framework.plugin_api.records import CheckResult

F = TypeVar("F", bound=Callable[..., Any])

Shape = Literal["payloads", "frames"]
"""Form of records between source and validator: raw bytes or polars frames."""


class Permission(NamedTuple):
    """Permission that a plugin must have in AWS: one statement of an IAM policy.

    Attributes:
        actions: Actions, without wildcards, such as ``s3:GetObject``.
        resource: An ARN, or a pattern of ARNs.
        conditions: Conditions by operator, key and values.
    """

    actions: tuple[str, ...]
    resource: str
    conditions: Mapping[str, Mapping[str, Sequence[str]]] = {}


def optional(method: F) -> F:
    """Mark the default of a method that a plugin need not have; see `supports`."""
    method.__dict__["optional"] = True
    return method


def supports(plugin: object, method: str) -> bool:
    """Return whether a plugin, or its class, has an optional method of its own."""
    cls = plugin if isinstance(plugin, type) else plugin.__class__
    own = getattr(cls, method, None)
    return own is not None and not hasattr(own, "optional")


class _NoSettings:
    """Descriptor of the empty settings model; it imports pydantic on first access."""

    def __get__(self, instance: object, owner: type) -> type[BaseModel]:
        from reporting_framework.plugin_api.settings import NoSettings

        return NoSettings


class Plugin(ABC):
    """Base class of every plugin.

    Attributes:
        name: Name that users select it by.
        Settings: Pydantic model of its settings; by default a model without fields.
        settings: Settings of this instance; by default those of an empty `Settings`.
    """

    name: ClassVar[str]
    Settings: ClassVar[Any] = _NoSettings()

    def __init__(self, settings: Any = None) -> None:
        self.settings = self.Settings() if settings is None else settings

    @optional
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        """Return checks of the plugin's environment, for ``reporting doctor REPORT``.

        The keys are the names of the checks. Each check runs on its own, in any order.
        The checks of a sink run after `open`.

        Args:
            write: Whether a check may write a probe. It must remove the probe again.
        """
        return {}

    @classmethod
    @optional
    def aws_permissions(cls, settings: Any) -> Sequence[Permission]:
        """Return the AWS permissions that the plugin needs under these settings.

        The method must not look up or open anything.
        """
        return ()

    @optional  # noqa: B027 - there is nothing to give up unless it is overridden
    def close(self) -> None:
        """Cancel unfinished work, and remove temporary files.

        Called at the end of every run, after a failed one too. Errors are logged.
        """
