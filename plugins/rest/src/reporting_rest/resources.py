"""Resources as they are read: with paginator, parser, requests and children."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from reporting_framework import SettingsError
from reporting_rest.json_paths import JsonPath
from reporting_rest.pages import Context, Page, PageParser
from reporting_rest.paginators import Offset, PageView, Paginator
from reporting_rest.requests import PageRequests
from reporting_rest.resource_settings import ResourceSettings
from reporting_rest.settings import RestApiSettings


@dataclass
class Resource:
    """Resource with what reading it takes.

    Attributes:
        settings: Its settings.
        paginator: Way from page to page.
        parser: Parser of pages.
        requests: Requests for pages.
        parent: Resource for each of whose rows it is read, or `None`.
        children: Resources that are read for each row.
        child_fields: Fields of a row that its descendants need.
    """

    settings: ResourceSettings
    paginator: Paginator
    parser: PageParser
    requests: PageRequests
    parent: Resource | None = None
    children: list[Resource] = field(default_factory=list)
    child_fields: Sequence[str] = ()

    @property
    def name(self) -> str:
        """Name of the resource, which is that of its stream."""
        return self.settings.name

    @property
    def conditional(self) -> bool:
        """True if unchanged pages are skipped.

        Children of rows on an unchanged page would not be read, unless only changed
        rows are asked for.
        """
        increments = self.settings.cursor is not None and self.settings.cursor.param
        return self.settings.conditional and bool(increments or not self.children)

    @property
    def fingerprint(self) -> str:
        """Text that changes if the settings ask for other records."""
        settings = self.settings.model_dump_json(
            include={"path", "method", "params", "body", "records", "cursor"},
            exclude={"cursor": {"lookback", "ordered"}},
        )
        return _short(settings)

    @property
    def form(self) -> str:
        """Text that changes if the settings make other rows of the same records.

        A page that has not changed is then read again, also for what was rejected.
        """
        settings = self.settings.model_dump_json(
            include={"columns", "include", "primary_key", "sample"}
        )
        return _short(settings)

    def keys(self, page: Page) -> Sequence[Any]:
        """Return the keys of the records of a page, in their order.

        A record without a key is its own key.
        """
        size = len(self.settings.primary_key)
        return [
            line if facts is None or None in facts[:size] else facts[:size]
            for line, facts in zip(page.lines, page.facts, strict=True)
        ]

    def context(
        self, facts: Sequence[Any] | None, inherited: Context
    ) -> Context | None:
        """Return the fields that children of a row need, `None` if one is missing."""
        if facts is None:
            return None
        values = dict(zip(self.parser.fields, facts, strict=True))
        own = {(self.name, name): values[name] for name in self.child_fields}
        if any(value in (None, "", ".", "..") for value in own.values()):
            return None
        return {**inherited, **own}


def view_of(resource: Resource, page: Page) -> PageView:
    """Return a page as the paginator of its resource sees it."""
    name, last = resource.paginator.record_field, None
    if name is not None and page.facts and page.facts[-1] is not None:
        last = page.facts[-1][resource.parser.fields.index(name)]
    return PageView(page.response, page.items, last)


def _short(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


def resources_of(settings: RestApiSettings, subject: str) -> Mapping[str, Resource]:
    """Return all resources by their names, parents first.

    Raises:
        SettingsError: A paginator cannot be imported, or a resource refers to two
            resources neither of which is above the other.
    """
    made: dict[str, Resource] = {}
    for each in settings.resources:
        place = f"{subject}: resource {each.name}"
        paginator = _paginator(each, place)
        parent = _parent(each, made, place)
        needed = {
            name
            for other in settings.resources
            for resource, name in other.parent_fields
            if resource == each.name
        }
        cursor = () if each.cursor is None else (each.cursor.field,)
        last = () if paginator.record_field is None else (paginator.record_field,)
        fields = dict.fromkeys([*each.primary_key, *cursor, *last, *sorted(needed)])
        resource = Resource(
            each,
            paginator,
            PageParser(JsonPath(each.records), list(fields)),
            PageRequests(settings.base_url, each, paginator),
            parent,
            child_fields=sorted(needed),
        )
        if parent is not None:
            parent.children.append(resource)
        made[each.name] = resource
    return made


def _paginator(settings: ResourceSettings, place: str) -> Paginator:
    if settings.paginator is None:
        return Paginator()
    try:
        paginator = settings.paginator.open()
    except ValueError as error:
        raise SettingsError(f"{place}: paginator: {error}; correct it") from error
    if isinstance(paginator, Offset) and JsonPath(settings.records).has_each:
        paginator.overlaps = False  # an item that two pages share has several records
    return paginator


def _parent(
    settings: ResourceSettings, made: Mapping[str, Resource], place: str
) -> Resource | None:
    """Return the resource that is directly above a resource."""
    names = [name for name in made if name in settings.parents]
    if not names:
        return None
    parent = made[names[-1]]
    above, each = set(), parent
    while each is not None:
        above.add(each.name)
        each = each.parent  # type: ignore[assignment]
    if not above.issuperset(names):
        raise SettingsError(
            f"{place}: it refers to {' and '.join(names)}, of which none is above the"
            " other; refer to one resource and those above it"
        )
    return parent
