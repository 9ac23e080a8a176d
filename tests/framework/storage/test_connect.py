"""Opening a store: where credentials come from, and what is said when there are none."""

import os
import subprocess
import sys

import polars as pl
import pytest

from reporting_framework.errors import AccessDenied, LocationError
from reporting_framework.storage import Location, open_store
from reporting_framework.storage.folder import FolderStore
from tests.support import moto_server


@pytest.fixture
def profiles(s3_environment, monkeypatch, tmp_path):
    """No keys in the environment; a profile `other` in a file of credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    keys = f"aws_access_key_id={s3_environment.access_key}\naws_secret_access_key={s3_environment.secret_key}\n"
    file.write_text(f"[other]\n{keys}")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    return monkeypatch


def sums(store, tmp_path):
    """Write a parquet file, and let polars read it by the same credentials."""
    path = tmp_path / "x.parquet"
    pl.DataFrame({"a": [1, 2]}).write_parquet(path)
    store.put("x.parquet", path.read_bytes(), expected=None)
    target = store.scan("x.parquet")
    return pl.scan_parquet(target.source, glob=False, **target.options).select(pl.col("a").sum()).collect().item()


def test_a_place_or_its_uri_opens_the_same(tmp_path):
    assert open_store(str(tmp_path)).location == open_store(Location("file", "/", str(tmp_path)[1:])).location
    assert isinstance(open_store(f"file://{tmp_path}"), FolderStore)


def test_a_uri_that_cannot_be_used_is_refused():
    with pytest.raises(LocationError, match="unknown scheme 'ftp'"):
        open_store("ftp://host/x")


def test_a_memory_store_lives_as_long_as_the_process():
    open_store("memory://lives/a").put("k", b"content", expected=None)
    assert open_store("memory://lives").get("a/k").data == b"content"


def test_connections_are_shared_by_all_stores_of_a_bucket(s3_environment, bucket, monkeypatch):
    one, two = open_store(f"s3://{bucket}/a"), open_store(f"s3://{bucket}/b")
    assert one._backend is two._backend
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert open_store(f"s3://{bucket}/a")._backend is not one._backend


def test_keys_in_the_environment_are_used_without_boto3(s3_environment, bucket):
    code = f"""
import sys
from reporting_framework.storage import open_store
store = open_store("s3://{bucket}")
store.put("k", b"content", expected=None)
assert store.get("k").data == b"content"
sys.exit(int("boto3" in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_keys_in_the_environment_reach_polars(s3_environment, bucket, tmp_path):
    assert sums(open_store(f"s3://{bucket}"), tmp_path) == 3


def test_a_region_is_found_as_boto3_finds_it(s3_environment, bucket, monkeypatch, tmp_path):
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    assert sums(open_store(f"s3://{bucket}"), tmp_path) == 3


def test_a_session_token_goes_along(monkeypatch, tmp_path):
    with moto_server() as moto:
        for name, value in moto.environment().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
        moto.client().create_bucket(Bucket="token")
        store = open_store("s3://token")
        assert sums(store, tmp_path) == 3
        assert store.scan("x").options["storage_options"]["aws_session_token"] == "token"


def test_a_profile_reaches_obstore_polars_and_boto3(profiles, bucket, tmp_path):
    profiles.setenv("AWS_PROFILE", "other")
    store = open_store(f"s3://{bucket}")
    assert sums(store, tmp_path) == 3
    assert store._boto3().get_object(Bucket=bucket, Key="x.parquet")["ContentLength"] > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "no AWS credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"),
        ({"AWS_PROFILE": "nobody"}, r"The config profile \(nobody\) could not be found; check AWS_PROFILE and the AWS"),
        ({"AWS_ACCESS_KEY_ID": "half"}, "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY"),
        ({"AWS_CONFIG_FILE": "{tmp_path}/config"}, "Unable to parse config file: .*; check AWS_PROFILE and the AWS"),
    ],
)
def test_what_is_wrong_with_the_credentials_is_said(profiles, bucket, tmp_path, settings, message):
    (tmp_path / "config").write_text("[unfinished\n")
    for name, value in settings.items():
        profiles.setenv(name, value.format(tmp_path=tmp_path))
    with pytest.raises(AccessDenied, match=f"s3://{bucket}: {message}"):
        open_store(f"s3://{bucket}")


def test_the_s3_endpoint_goes_before_the_general_one(s3_environment, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_environment.endpoint)
    open_store(f"s3://{bucket}").put("k", b"", expected=None)
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert open_store(f"s3://{bucket}").head("k").size == 0


@pytest.mark.parametrize("endpoint", ["127.0.0.1:9000", "http://", "not a url", "http://127.0.0.1:99999", "ftp://x"])
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_that_is_none_is_told(s3_environment, bucket, monkeypatch, name, endpoint):
    monkeypatch.setenv(name, endpoint)
    with pytest.raises(AccessDenied, match=f"environment variable {name} is not of the form http://host:port"):
        open_store(f"s3://{bucket}")


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"])
def test_a_line_break_behind_a_key_is_told_and_the_key_is_not(s3_environment, bucket, monkeypatch, name):
    monkeypatch.setenv(name, "hunter2\n")
    with pytest.raises(AccessDenied, match=f"environment variable {name} holds a line break") as caught:
        open_store(f"s3://{bucket}")
    assert "hunter2" not in str(caught.value)
