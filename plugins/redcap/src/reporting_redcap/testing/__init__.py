"""REDCap server on loopback, for tests, examples and measurements without an account.

It implements the exports of REDCap's published API documentation from a project in
memory::

    with serving(Project(fields, rows)) as server:
        print(server.url, server.token)
"""

from reporting_redcap.testing.project import Project, Row, field
from reporting_redcap.testing.server import Fault, RedcapServer, serving

__all__ = ["Fault", "Project", "RedcapServer", "Row", "field", "serving"]
