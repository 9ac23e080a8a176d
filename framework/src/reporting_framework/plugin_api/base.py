"""The interface that all plugins share.

Nothing in this package imports polars or pydantic at run time, so that a plugin module
stays light.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Literal,
    NamedTuple,
    Protocol,
    runtime_checkable,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reporting_framework.plugin_api.records import (
        CheckResult,
    )


Shape = Literal["payloads", "frames"]
"""What a source yields and a validator takes: raw records (bytes) or polars frames."""


@runtime_checkable
class Plugin(Protocol):
    """What all roles share.

    Attributes:
        name: What users select it by.
    """

    name: ClassVar[str]

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class
        """Return the pydantic model of its settings.

        This is a class attribute (read-only here, so that any model will do).
        """
        ...

    def __init__(self, settings: Any) -> None: ...


@runtime_checkable
class Checkable(Protocol):
    """Optional interface of a source or a sink that can check its surroundings.

    It is there for `reporting doctor REPORT`.
    """

    def checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        """Checks by name, each to be carried out on its own, in any order.

        For a sink after `open`.

        Args:
            write: Whether they may write a probe, which they remove again.
        """
        ...


class Permission(NamedTuple):
    """Permission that a plugin must have in AWS, and no more.

    It is one statement of an IAM policy.

    Attributes:
        actions: Actions, without wildcards, such as ``s3:GetObject``.
        resource: An ARN, or a pattern of ARNs.
        conditions: Conditions by operator, key and values.
    """

    actions: tuple[str, ...]
    resource: str
    conditions: Mapping[str, Mapping[str, Sequence[str]]] = {}


@runtime_checkable
class Permitted(Protocol):
    """What a plugin has besides when it uses AWS."""

    @classmethod
    def permissions(cls, settings: Any) -> Sequence[Permission]:
        """What it must be allowed to do under these settings.

        Looks nothing up and opens nothing.
        """
        ...
