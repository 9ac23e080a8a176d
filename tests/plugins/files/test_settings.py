"""Settings that are refused, with what is allowed."""

import pytest
from pydantic import ValidationError

from reporting_files.settings import FilesSettings
from reporting_files.source import Files
from reporting_framework import SettingsError
from reporting_framework.execution.plugin_building import settings_of
from reporting_framework.plugin_api.report import PluginRef


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"include": "/a"}, "a pattern is relative to uri"),
        ({"columns": {"a": "text"}}, "must be one of string"),
        ({"columns": {"source_key": "string"}}, "rename it"),
        ({"path_columns": "year"}, "it names no column"),
        ({"path_columns": "{y}/{y}"}, "the name y is there twice"),
        ({"path_columns": r"(?P<y>\d+)/(?P<y>.*)"}, "the name y is there twice"),
        ({"path_columns": "{y z}"}, "neither a template"),
        ({"encoding": "klingon"}, "no such encoding"),
        ({"header": ["a", "a"]}, "a name is there twice"),
        ({"column_formats": {"a": "%d"}}, "a is no date or datetime"),
        ({"format": "xml"}, "Input should be 'csv'"),
        ({"header": []}, "at least 1 item"),
        ({"separator": ",,"}, "at most 1 character"),
        ({"separator": "ä"}, "no ASCII character"),
        ({"quote": "\n"}, "or a line end"),
        ({"separator": '"'}, "it is the quote, too"),
        ({"changed_files": "append"}, "Input should be 'refuse'"),
    ],
)
def test_settings_that_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        FilesSettings.model_validate({"uri": "x", **settings})


def test_permissions_of_a_bucket():
    allowed = Files.aws_permissions(FilesSettings(uri="s3://shop/prices/"))
    actions = {action for permission in allowed for action in permission.actions}
    assert {"s3:GetObject", "s3:ListBucket"} <= actions
    assert not Files.aws_permissions(FilesSettings(uri="prices"))


def test_the_check_of_doctor_shows_columns_and_types(tmp_path):
    (tmp_path / "a.csv").write_text("n,code\n1,007\n")
    source = Files(FilesSettings(uri=str(tmp_path), columns={"price": "decimal(10,2)"}))
    result = source.health_checks(write=False)["source"]()
    assert result.status == "ok"
    assert result.found == f"{tmp_path}: csv; n int64, code string, price decimal(10,2)"


def test_the_check_of_doctor_warns_of_an_empty_place(tmp_path):
    source = Files(FilesSettings(uri=str(tmp_path)))
    result = source.health_checks(write=False)["source"]()
    assert (result.status, result.found) == (
        "warn",
        f"{tmp_path}: no file matches include (**), as there are none",
    )
    assert result.advice == "check uri and include, or declare columns"


def test_a_full_scan_is_refused_by_its_option(tmp_path):
    use = PluginRef("files", {"uri": str(tmp_path), "full_scan": True})
    with pytest.raises(SettingsError, match="it has no full scan; leave out --full"):
        settings_of("prices", "source", use, Files)
