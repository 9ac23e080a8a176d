"""REDCap on loopback, and sources that read it."""

from contextlib import ExitStack

import pytest

from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_redcap.settings import RedcapSettings
from reporting_redcap.source import Redcap
from reporting_redcap.testing import Project, serving

FAST = {"attempts": 2, "wait_seconds": 0, "allow_private": True}


class Reader:
    """Source of a server, and what it reads."""

    def __init__(self, server, **settings):
        self.server = server
        known = {"url": server.url, "token": server.token, **FAST, **settings}
        self.source = Redcap(RedcapSettings(**known))

    def read(self, state=None):
        """Read what a state leaves; return the batches."""
        [split] = self.source.plan(KnownObjects(state=state))
        return list(self.source.read(split))

    def rows(self, state=None):
        """Return the rows of all batches, without columns that are empty."""
        batches = self.read(state)
        assert not any(batch.unread for batch in batches), "all was read"
        return [
            {name: value for name, value in row.items() if value is not None}
            for batch in batches
            for row in batch.frame.to_dicts()
        ]


@pytest.fixture
def reader():
    """Return a function that serves a project and returns a reader of it."""
    with ExitStack() as ending:

        def make(project: Project, server=None, **settings):
            server = server or ending.enter_context(serving(project))
            made = Reader(server, **settings)
            ending.callback(made.source.close)
            return made

        yield make
