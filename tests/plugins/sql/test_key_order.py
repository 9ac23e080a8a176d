"""Keys whose order is not that of their bytes: no row is lost between two pages."""

from itertools import product

import pytest

from reporting_framework import SettingsError
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_sql.source import SqlTable

WORDS = ["".join(letters) for letters in product("aAbB", repeat=2)]
"""Texts in groups of four that differ in their case only."""


def keys_of(url, **settings):
    """Return the keys that are read with pages of two rows and splits of three."""
    values = {"table": "t", "page_rows": 2, "split_rows": 3, **settings}
    source = SqlTable(SqlTable.Settings(url=url, **values))
    try:
        return [
            key.partition("/")[2]
            for split in source.plan(KnownObjects())
            for batch in source.read(split)
            for key in batch.source_keys
        ]
    finally:
        source.close()


def fill(writer, create, words, *indexes):
    rows = ", ".join(f"('{word}', {number})" for number, word in enumerate(words))
    writer.run(f"CREATE TABLE t ({create})", *indexes, f"INSERT INTO t VALUES {rows}")


@pytest.mark.parametrize(
    ("create", "index"),
    [
        ("id TEXT COLLATE NOCASE, n INT", "CREATE UNIQUE INDEX u ON t (id COLLATE BINARY)"),
        ("id TEXT COLLATE RTRIM, n INT, PRIMARY KEY (id COLLATE BINARY)", ""),
        ("id TEXT PRIMARY KEY COLLATE NOCASE, n INT", ""),
        ("id TEXT, n INT", "CREATE UNIQUE INDEX u ON t (id COLLATE NOCASE)"),
        ("id TEXT COLLATE NOCASE, n INT, PRIMARY KEY (id COLLATE BINARY, n)", ""),
    ],
)  # fmt: skip
def test_sqlite(sqlite_url, writer, create, index):
    one_case = "PRIMARY KEY COLLATE NOCASE" in create or "(id COLLATE NOCASE)" in index
    words = {word.lower(): word for word in WORDS}.values() if one_case else WORDS
    words = [*words, "c", *(["c "] if not one_case else [])]
    fill(writer(sqlite_url), create, words, *filter(None, [index]))
    by_number = "BINARY, n" in create
    wanted = [f"{w}/{n}" if by_number else w for n, w in enumerate(words)]
    assert sorted(
        keys_of(sqlite_url, primary_key=["id", "n"] if by_number else ["id"])
    ) == sorted(wanted)


def test_sqlite_uses_the_index_of_another_collation(sqlite_url, writer):
    opened = writer(sqlite_url)
    index = "CREATE UNIQUE INDEX u ON t (id COLLATE BINARY)"
    fill(opened, "id TEXT COLLATE NOCASE, n INT", WORDS, index)
    source = SqlTable(SqlTable.Settings(url=sqlite_url, table="t", primary_key=["id"]))
    queries = []
    frame = source._sessions.frame
    source._sessions.frame = lambda query, *more: (
        queries.append(query) or frame(query, *more)
    )
    for split in source.plan(KnownObjects()):
        list(source.read(split))
    source.close()
    assert len(queries) > 1
    for query in queries:
        plan = opened.rows(f"EXPLAIN QUERY PLAN {query}")
        assert not any("TEMP B-TREE" in str(step) for step in plan)


def test_sqlite_refuses_keys_that_are_equal_without_an_index(sqlite_url, writer):
    fill(writer(sqlite_url), "id TEXT COLLATE NOCASE, n INT", WORDS)
    with pytest.raises(SettingsError, match="primary_key id: two rows have the same"):
        keys_of(sqlite_url, primary_key=["id"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("create", "index"),
    [
        ("id text COLLATE folded, n int", 'CREATE UNIQUE INDEX u ON t (id COLLATE "C")'),
        ("id text COLLATE folded, n int", "CREATE UNIQUE INDEX u ON t (id COLLATE odd.\"N 1\")"),
        ("id text COLLATE \"en-x-icu\" PRIMARY KEY, n int", ""),
        ("id citext COLLATE \"C\", n int", 'CREATE UNIQUE INDEX u ON t (id text_ops, n)'),
        ("id mood PRIMARY KEY, n int", ""),
    ],
)  # fmt: skip
def test_postgresql(postgres_url, writer, create, index):
    opened = writer(postgres_url)
    schema = opened.rows("SELECT current_schema()::text")[0][0]
    words = [*WORDS, "c", "é", "z"]
    opened.run(
        "CREATE EXTENSION IF NOT EXISTS citext SCHEMA public",
        f"SET search_path = {schema}, public",
        "CREATE COLLATION folded (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "CREATE SCHEMA IF NOT EXISTS odd",
        'DROP COLLATION IF EXISTS odd."N 1" CASCADE',
        "CREATE COLLATION odd.\"N 1\" (provider = icu, locale = 'en')",
        f"CREATE TYPE mood AS ENUM ({', '.join(repr(word) for word in reversed(words))})",
    )
    fill(opened, create, words, *filter(None, [index]))
    key = ["id", "n"] if "n)" in index else ["id"]
    wanted = [f"{w}/{n}" if len(key) == 2 else w for n, w in enumerate(words)]
    assert sorted(keys_of(postgres_url, primary_key=key)) == sorted(wanted)


@pytest.mark.slow
def test_postgresql_checks_keys_that_an_index_compares_as_texts(postgres_url, writer):
    """If the type is not in the search path, the source compares texts, too."""
    visible = f"{postgres_url}%2Cpublic"
    opened = writer(visible)
    opened.run("CREATE EXTENSION IF NOT EXISTS citext SCHEMA public")
    fill(opened, "id citext, n int", WORDS, "CREATE UNIQUE INDEX u ON t (id text_ops)")
    with pytest.raises(SettingsError, match="primary_key id: two rows have the same"):
        keys_of(visible, primary_key=["id"])
    assert sorted(keys_of(postgres_url, primary_key=["id"])) == sorted(WORDS)


@pytest.mark.slow
def test_postgresql_checks_keys_of_tables_that_inherit(postgres_url, writer):
    opened = writer(postgres_url)
    fill(opened, "id text PRIMARY KEY, n int", ["a", "b"])
    opened.run("CREATE TABLE part (PRIMARY KEY (id)) INHERITS (t)")
    opened.run("INSERT INTO part VALUES ('c', 1)")
    assert sorted(keys_of(postgres_url)) == ["a", "b", "c"]
    opened.run("INSERT INTO part VALUES ('b', 1)")
    with pytest.raises(SettingsError, match="primary_key id: two rows have the same"):
        keys_of(postgres_url)


@pytest.mark.slow
def test_mysql_checks_a_key_that_is_a_part_of_an_index(mysql_url, writer):
    index = "CREATE UNIQUE INDEX u ON t (n, id(1))"
    opened = writer(mysql_url)
    fill(opened, "id varchar(9) CHARACTER SET utf8mb4, n int", ["a", "b"], index)
    opened.run("INSERT INTO t VALUES ('b', 0)")
    with pytest.raises(SettingsError, match="primary_key n: two rows have the same"):
        keys_of(mysql_url, primary_key=["n"])
    wanted = ["0/a", "0/b", "1/b"]
    assert sorted(keys_of(mysql_url, primary_key=["n", "id"])) == wanted


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", ["a", "B", "c", "ß", "z"]),
        ("varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", WORDS),
        ("varchar(9) CHARACTER SET latin1 COLLATE latin1_general_cs", [*WORDS, "é"]),
        ("enum('z','b','a','c','m') CHARACTER SET utf8mb4", ["a", "b", "c", "m", "z"]),
        ("enum('b','B','a','A') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", ["a", "A", "b", "B"]),
        ("set('z','a') CHARACTER SET utf8mb4", ["a", "z", "z,a", ""]),
        ("uuid", [f"{n:08x}-{7 - n:04x}-{1 + n % 7}000-8000-{n:012x}" for n in range(7)]),
        ("inet6", ["::1", "10::", "2::", "::10"]),
    ],
)  # fmt: skip
def test_mysql(mysql_url, writer, kind, words):
    fill(writer(mysql_url), f"id {kind} PRIMARY KEY, n int", words)
    assert sorted(keys_of(mysql_url)) == sorted(words)
