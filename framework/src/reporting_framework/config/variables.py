"""Environment variables of the framework, all of which begin with ``REPORTING_``.

Settings of reports have variables too: ``REPORTING_<REPORT>__<SETTING>``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from reporting_framework._text.messages import did_you_mean

PREFIX = "REPORTING_"

VARIABLES: Mapping[str, str] = {
    "REPORTING_AFTER": "work of a function after a run",
    "REPORTING_CHROMIUM": "browser for reporting render",
    "REPORTING_CONFIG": "the configuration file",
    "REPORTING_CONTINUE": "whether a stopped function starts the next run",
    "REPORTING_CONTINUE_LIMIT": "number of such runs",
    "REPORTING_ENVIRONMENT": "dimension of a function's metrics",
    "REPORTING_KMS_KEYS": "KMS keys of buckets",
    "REPORTING_MARGIN": "seconds of a function's time that are left unused",
    "REPORTING_METRICS_NAMESPACE": "namespace of a function's metrics",
    "REPORTING_ON_ERROR": "reaction of a function to a failed run",
    "REPORTING_PAGE": "page that a function makes",
    "REPORTING_PLUGINS": "allow-list of plugins",
    "REPORTING_REPORT": "report of a function",
    "REPORTING_REQUESTER_PAYS": "buckets whose requests this account pays for",
}
"""Purpose of each variable that the framework itself reads."""


def unread_variables(
    environment: Mapping[str, str], read: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Yield variables that begin with ``REPORTING_`` and that nothing reads.

    Variables with two underscores in a row are settings of reports, and are left out.

    Args:
        environment: The environment variables.
        read: Names that plugins and reports read.

    Yields:
        The name, and a clause with similar names, which may be empty.
    """
    known = sorted({*VARIABLES, *read})
    for name in sorted(environment):
        own = name.startswith(PREFIX) and "__" not in name
        if own and name not in known:
            yield name, did_you_mean(name, known, PREFIX)
