"""Graph of requirements between distributions, evaluated for one target."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from reporting_framework._text.messages import one_line
from reporting_framework.errors import BuildError

Extras = frozenset[str]


class Graph:
    """Distributions and their requirements, by normalised name.

    Args:
        requires: Function that returns a distribution's ``Requires-Dist``, or None if
            there is no such distribution.
        markers: Environment for evaluating markers, without ``extra``.
    """

    def __init__(
        self,
        requires: Callable[[str], Iterable[str] | None],
        markers: Mapping[str, str],
    ) -> None:
        self._requires = requires
        self._markers = markers
        self._known: dict[str, list[Requirement]] = {}

    def direct(self, name: str, extras: Collection[str] = ()) -> dict[str, Extras]:
        """Return the direct dependencies, each with the extras requested of it.

        Args:
            name: The distribution.
            extras: Extras of it that are wanted as well.

        Raises:
            BuildError: A requirement of it cannot be parsed.
        """
        extras_by_name: dict[str, Extras] = {}
        for requirement in self._requirements(name):
            if any(self._applies(requirement, extra) for extra in ("", *extras)):
                key = canonicalize_name(requirement.name)
                extras_by_name[key] = extras_by_name.get(key, frozenset()) | {
                    canonicalize_name(extra) for extra in requirement.extras
                }
        return extras_by_name

    def listed(self, name: str, extra: str) -> set[str]:
        """Return all dependencies listed under an extra, needed without it or not."""
        of_extra = [
            requirement
            for requirement in self._requirements(name)
            if requirement.marker and "extra" in str(requirement.marker)
        ]
        return {
            canonicalize_name(requirement.name)
            for requirement in of_extra
            if self._applies(requirement, extra)
        }

    def closure(
        self,
        starts: Mapping[str, Collection[str]],
        without: Mapping[str, Collection[str]] | None = None,
    ) -> set[str]:
        """Return all transitive dependencies, including the starts.

        Args:
            starts: Distributions to start with, each with its extras.
            without: Dependencies to ignore, by the distribution that requires them.
        """
        seen: dict[str, Extras] = {}
        waiting = [(name, frozenset(extras)) for name, extras in starts.items()]
        while waiting:
            name, extras = waiting.pop()
            if name in seen and extras <= seen[name]:
                continue
            seen[name] = seen.get(name, frozenset()) | extras
            left = (without or {}).get(name, ())
            waiting += [
                pair
                for pair in self.direct(name, seen[name]).items()
                if pair[0] not in left
            ]
        return set(seen)

    def _applies(self, requirement: Requirement, extra: str) -> bool:
        return requirement.marker is None or requirement.marker.evaluate(
            {**self._markers, "extra": extra}
        )

    def _requirements(self, name: str) -> list[Requirement]:
        if name not in self._known:
            self._known[name] = [
                _parsed(name, text) for text in self._requires(name) or ()
            ]
        return self._known[name]


def _parsed(name: str, text: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement as error:
        raise BuildError(
            f"{name}: its requirement {one_line(text, 120)!r} cannot be parsed;"
            f" install another version: {error}"
        ) from None
