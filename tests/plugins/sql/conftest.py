"""Databases for tests: a SQLite file, a PostgreSQL server, a MariaDB server."""

import itertools
from contextlib import closing

import polars as pl
import pytest

from reporting_sql.connections import connect
from reporting_sql.urls import parse_url
from tests.support import mariadb as mariadb_server
from tests.support import postgresql

_numbers = itertools.count()


class Writer:
    """Connection that writes; each statement is its own transaction."""

    def __init__(self, url):
        self.url = url
        self._connection = connect(parse_url(url), read_only=False)

    def run(self, *statements):
        for statement in statements:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)

    def rows(self, query):
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            if not hasattr(cursor, "fetch_arrow"):
                return cursor.fetchall()
            return pl.DataFrame(cursor.fetch_arrow()).rows()

    def close(self):
        self._connection.close()


@pytest.fixture(scope="session")
def server():
    """The PostgreSQL server."""
    folder = postgresql.programs()
    if folder is None:
        pytest.skip("initdb and pg_ctl are not found; install PostgreSQL")
    with postgresql.running(folder) as running:
        yield running


@pytest.fixture
def postgres_url(server):
    """URL of an empty schema."""
    schema = f"s{next(_numbers)}"
    with closing(Writer(server.url())) as writer:
        writer.run(f"CREATE SCHEMA {schema}")
    yield server.url(options=f"-csearch_path%3D{schema}")
    with closing(Writer(server.url())) as writer:
        writer.run(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def sqlite_url(tmp_path):
    """URL of a SQLite file, which does not exist yet."""
    return f"sqlite:///{tmp_path}/shop.db"


@pytest.fixture
def writer(request):
    """Return a function that opens a connection that writes."""
    opened = []

    def open_writer(url):
        opened.append(Writer(url))
        return opened[-1]

    yield open_writer
    for each in opened:
        each.close()


@pytest.fixture(scope="session")
def mariadb():
    """URL of an empty database of a MariaDB server."""
    programs = mariadb_server.programs()
    if programs is None:
        pytest.skip("mariadbd and mariadb-install-db are not found; install MariaDB")
    with mariadb_server.running(*programs) as url:
        yield url


@pytest.fixture
def mysql_url(mariadb):
    """URL of an empty database."""
    name = f"d{next(_numbers)}"
    with closing(Writer(mariadb.replace("/test?", "/mysql?"))) as writer:
        writer.run(f"CREATE DATABASE {name}")
        yield mariadb.replace("/test?", f"/{name}?")
        writer.run(f"DROP DATABASE {name}")
