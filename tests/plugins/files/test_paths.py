"""Paths: which files are read, and which parts of a path are columns."""

import pytest

from reporting_files.globs import compile_glob
from reporting_files.path_columns import PathColumns
from reporting_files.settings import FilesSettings
from reporting_files.source import Files
from reporting_framework.testing.harness.ledger import KnownObjects
from tests.plugins.files.reading import put, read


@pytest.mark.parametrize(
    ("pattern", "paths", "others"),
    [
        ("**", ["a", "a/b.csv"], [".a", "a/.b", ".a/b"]),
        ("**/*.csv", ["a.csv", "x/y/a.csv"], ["a.tsv", "x/.a.csv", ".x/a.csv"]),
        ("*.csv", ["a.csv"], ["x/a.csv", ".csv"]),
        ("in/**", ["in/a", "in/x/y"], ["a", "inn/a", "in/x/.y"]),
        ("in-**", ["in-a", "in-x/y"], ["in", "x/in-a"]),
        ("**/[a-c]?.csv", ["ax.csv", "x/cx.csv"], ["dx.csv", "a.csv"]),
        ("[!a].csv", ["b.csv"], ["a.csv", "/.csv", ".csv"]),
        ("a+(b).csv", ["a+(b).csv"], ["aab.csv"]),
        (".hidden/*", [".hidden/a"], [".hidden/.a"]),
        ("[", ["["], ["a"]),
    ],
)
def test_globs(pattern, paths, others):
    matches = compile_glob(pattern).fullmatch
    assert [path for path in paths + others if matches(path)] == paths


@pytest.mark.parametrize("pattern", ["", "/a", "[z-a]"])
def test_wrong_globs(pattern):
    with pytest.raises(ValueError, match="pattern"):
        compile_glob(pattern)


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("year={year}", "year=2024/a.csv", ["2024"]),
        ("year={year}/", "year=2024/a.csv", ["2024"]),
        ("year={year}", "year=2024", ["2024"]),
        ("year={year}", "x/year=2024/a.csv", None),
        ("{shop}/{file}.csv", "a/b.c.csv", ["a", "b.c"]),
        ("**/{file}.csv", "a/b/c.csv", ["c"]),
        ("*/{day}", "x/2024-01-01/a.csv", ["2024-01-01"]),
        (r"(?P<year>\d{4})-(?P<rest>.*)?", "2024-05.csv", ["2024", "05.csv"]),
        (r"(?:v(?P<v>\d))?(?P<n>.*)", "x.csv", [None, "x.csv"]),
    ],
)
def test_parts_of_paths(template, path, values):
    assert PathColumns.parse(template).values(path) == values


@pytest.mark.parametrize("template", ["year", "{a}/{a}", "{1x}", "(?P<a>["])
def test_wrong_templates(template):
    with pytest.raises(ValueError, match="template|names no column|is there twice"):
        PathColumns.parse(template)


def test_path_columns_have_types_and_a_path_that_does_not_match_is_rejected(tmp_path):
    put(
        str(tmp_path),
        {
            "year=2024/shop=a/1.csv": b"n,shop\n1,of the file\n",
            "year=2025/shop=b/2.csv": b"n,shop\n2,x\n3,y\n",
            "elsewhere.csv": b"n\n4\n",
        },
    )
    found = read(str(tmp_path), path_columns="year={year}/shop={shop}")
    assert found.schema.names() == ["n", "year", "shop"]
    assert found.rows.rows() == [
        (1, 2024, "a", "year=2024/shop=a/1.csv#1"),
        (2, 2025, "b", "year=2025/shop=b/2.csv#1"),
        (3, 2025, "b", "year=2025/shop=b/2.csv#2"),
    ]
    assert found.rejected == [("elsewhere.csv", "path_mismatch", None)]


def test_a_part_of_a_path_of_another_type_rejects_the_rows(tmp_path):
    put(str(tmp_path), {"2024-01-01.csv": b"n\n1\n", "old.csv": b"n\n2\n3\n"})
    found = read(str(tmp_path), path_columns="{day}.csv", columns={"day": "date"})
    assert found.rows.height == 1
    assert found.rejected == [
        ("old.csv#1", "wrong_type", "day"),
        ("old.csv#2", "wrong_type", "day"),
    ]


def test_files_that_do_not_match_are_counted(tmp_path):
    for name in ("a.csv", "b.txt", ".c.csv"):
        (tmp_path / name).write_text("n\n1\n")
    source = Files(FilesSettings(uri=str(tmp_path), include="*.csv"))
    assert len(list(source.plan(KnownObjects()))) == 1
    stats = source.plan_stats()
    assert (stats.ignored, stats.ignored_samples) == (2, (".c.csv", "b.txt"))
    assert stats.exhausted


def test_a_trace_says_that_a_path_does_not_match(tmp_path):
    source = Files(FilesSettings(uri=str(tmp_path), include="*.csv"))
    absence = source.absence("a.txt", KnownObjects(), None)
    assert absence == ("not matched", "its path does not match include (*.csv)")
    assert source.absence("a.csv", KnownObjects(), None) is None
    assert source.object_uri("a.csv") == f"{tmp_path}/a.csv"
