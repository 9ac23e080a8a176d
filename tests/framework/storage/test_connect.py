"""Opening a store: where credentials come from, and what is said when there are none."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
import polars as pl
import pytest

from reporting_framework.errors import AccessDenied, LocationError
from reporting_framework.storage import Location, aws_session, open_store
from reporting_framework.storage.aws_config import read_aws_config
from reporting_framework.storage.folder import FolderStore
from tests.support import moto_server
from tests.support.tls import certificates, tls_front


@pytest.fixture
def profiles(s3_environment, monkeypatch, tmp_path):
    """No keys in the environment; a profile `other` in a file of credentials."""
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
    ):
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
    store.put("x.parquet", path.read_bytes(), if_version=None)
    target = store.scan("x.parquet")
    return (
        pl.scan_parquet(target.source, glob=False, **target.options)
        .select(pl.col("a").sum())
        .collect()
        .item()
    )


def test_a_place_or_its_uri_opens_the_same(tmp_path):
    assert (
        open_store(str(tmp_path)).location
        == open_store(Location("file", "/", str(tmp_path)[1:])).location
    )
    assert isinstance(open_store(f"file://{tmp_path}"), FolderStore)


def test_a_uri_that_cannot_be_used_is_refused():
    with pytest.raises(LocationError, match="unknown scheme 'ftp'"):
        open_store("ftp://host/x")


def test_a_memory_store_lives_as_long_as_the_process():
    open_store("memory://lives/a").put("k", b"content", if_version=None)
    assert open_store("memory://lives").get("a/k").data == b"content"


def test_connections_are_shared_by_all_stores_of_a_bucket(
    s3_environment, bucket, monkeypatch
):
    one, two = open_store(f"s3://{bucket}/a"), open_store(f"s3://{bucket}/b")
    assert one._backend is two._backend
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert open_store(f"s3://{bucket}/a")._backend is not one._backend


def test_keys_in_the_environment_are_used_without_boto3(s3_environment, bucket):
    code = f"""
import sys
from reporting_framework.storage import open_store
store = open_store("s3://{bucket}")
store.put("k", b"content", if_version=None)
assert store.get("k").data == b"content"
sys.exit(int("boto3" in sys.modules))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_keys_in_the_environment_reach_polars(s3_environment, bucket, tmp_path):
    assert sums(open_store(f"s3://{bucket}"), tmp_path) == 3


def test_a_region_is_found_as_boto3_finds_it(
    s3_environment, bucket, monkeypatch, tmp_path
):
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
        assert (
            store.scan("x").options["credential_provider"]()[0]["aws_session_token"]
            == "token"
        )


def test_a_profile_reaches_obstore_polars_and_boto3(profiles, bucket, tmp_path):
    profiles.setenv("AWS_PROFILE", "other")
    store = open_store(f"s3://{bucket}")
    assert sums(store, tmp_path) == 3
    assert (
        store._boto3().get_object(Bucket=bucket, Key="x.parquet")["ContentLength"] > 0
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {},
            "no AWS credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ),
        (
            {"AWS_PROFILE": "nobody"},
            r"The config profile \(nobody\) could not be found; check AWS_PROFILE and the AWS",
        ),
        (
            {"AWS_ACCESS_KEY_ID": "half"},
            "Partial credentials found in env, missing: AWS_SECRET_ACCESS_KEY",
        ),
        (
            {"AWS_CONFIG_FILE": "{tmp_path}/config"},
            "Unable to parse config file: .*; check AWS_PROFILE and the AWS",
        ),
    ],
)
def test_what_is_wrong_with_the_credentials_is_said(
    profiles, bucket, tmp_path, settings, message
):
    (tmp_path / "config").write_text("[unfinished\n")
    for name, value in settings.items():
        profiles.setenv(name, value.format(tmp_path=tmp_path))
    with pytest.raises(AccessDenied, match=f"s3://{bucket}: {message}"):
        open_store(f"s3://{bucket}")


def test_the_s3_endpoint_goes_before_the_general_one(
    s3_environment, bucket, monkeypatch
):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_environment.endpoint)
    open_store(f"s3://{bucket}").put("k", b"", if_version=None)
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert open_store(f"s3://{bucket}").head("k").size == 0


@pytest.mark.parametrize(
    "endpoint",
    ["127.0.0.1:9000", "http://", "not a url", "http://127.0.0.1:99999", "ftp://x"],
)
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_that_is_none_is_told(
    s3_environment, bucket, monkeypatch, name, endpoint
):
    monkeypatch.setenv(name, endpoint)
    with pytest.raises(
        AccessDenied,
        match=f"environment variable {name} is not of the form http://host:port",
    ):
        open_store(f"s3://{bucket}")


@pytest.mark.parametrize(
    "name",
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"],
)
def test_a_line_break_behind_a_key_is_told_and_the_key_is_not(
    s3_environment, bucket, monkeypatch, name
):
    monkeypatch.setenv(name, "hunter2\n")
    with pytest.raises(
        AccessDenied, match=f"environment variable {name} holds a line break"
    ) as caught:
        open_store(f"s3://{bucket}")
    assert "hunter2" not in str(caught.value)


# -- the environment ------------------------------------------------------------------------------------------------------

EMPTY = [
    "AWS_CA_BUNDLE",
    "AWS_CHECKSUM_ALGORITHM",
    "AWS_CONDITIONAL_PUT",
    "AWS_ENDPOINT_URL_S3",
    "AWS_MAX_ATTEMPTS",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_RETRY_MODE",
    "AWS_SERVER_SIDE_ENCRYPTION",
    "AWS_SESSION_TOKEN",
    "AWS_SKIP_SIGNATURE",
]
LEFT_BY_OTHERS = {
    "AWS_ALLOW_INVALID_CERTIFICATES": "bogus",
    "AWS_BUCKET": "another",
    "AWS_CONDITIONAL_PUT": "disabled",
    "AWS_CONNECT_TIMEOUT": "bogus",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "bogus",
    "AWS_COPY_IF_NOT_EXISTS": "bogus",
    "AWS_DISABLE_BULK_DELETE": "bogus",
    "AWS_DISABLE_TAGGING": "bogus",
    "AWS_ENDPOINT": "http://127.0.0.1:9",
    "AWS_IMDSV1_FALLBACK": "bogus",
    "AWS_METADATA_ENDPOINT": "bogus",
    "AWS_PROXY_URL": "http://127.0.0.1:9",
    "AWS_REQUEST_PAYER": "bogus",
    "AWS_S3_EXPRESS": "true",
    "AWS_SKIP_SIGNATURE": "true",
    "AWS_SSE_BUCKET_KEY_ENABLED": "bogus",
    "AWS_SSE_KMS_KEY_ID": "bogus",
    "AWS_TIMEOUT": "bogus",
    "AWS_TOKEN": "bogus",
    "AWS_UNSIGNED_PAYLOAD": "bogus",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
}


def works(bucket, tmp_path):
    """Write, read in both ways and list."""
    store = open_store(f"s3://{bucket}/a")
    assert sums(store, tmp_path) == 3
    assert [entry.key for page in store.list() for entry in page] == ["x.parquet"]
    store.copy("x.parquet", "y.parquet")
    store.delete("y.parquet", if_version=store.head("y.parquet").version)


def test_an_empty_variable_is_unset(s3_environment, bucket, monkeypatch, tmp_path):
    for name in EMPTY:
        monkeypatch.setenv(name, "")
    works(bucket, tmp_path)
    assert aws_session().client("sts").meta.region_name == "us-east-1"


def test_an_empty_endpoint_and_an_empty_key_are_unset(
    profiles, bucket, monkeypatch, tmp_path
):
    for name in (
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_ENDPOINT_URL_S3",
        "AWS_CONFIG_FILE",
    ):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("AWS_PROFILE", "other")
    works(bucket, tmp_path)


@pytest.mark.parametrize("name", LEFT_BY_OTHERS)
def test_a_variable_that_obstore_alone_would_read_changes_nothing(
    s3_environment, bucket, monkeypatch, tmp_path, name
):
    monkeypatch.setenv(name, LEFT_BY_OTHERS[name])
    works(bucket, tmp_path)


@pytest.mark.parametrize(
    "name", ["AWS_CHECKSUM_ALGORITHM", "AWS_SERVER_SIDE_ENCRYPTION"]
)
def test_a_variable_that_cannot_be_kept_from_obstore_is_refused_by_name(
    s3_environment, bucket, monkeypatch, name
):
    monkeypatch.setenv(name, "SHA256")
    with pytest.raises(
        AccessDenied, match=f"environment variable {name} is not supported; unset it"
    ):
        open_store(f"s3://{bucket}")


@pytest.fixture
def configured(s3_environment, monkeypatch, tmp_path):
    """Write ~/.aws/config; neither endpoint nor region is in the environment."""
    for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return lambda text: (tmp_path / "config").write_text(
        text.format(endpoint=s3_environment.endpoint)
    )


@pytest.mark.parametrize(
    "config",
    [
        "[default]\nregion = us-east-1\nendpoint_url = {endpoint}\n",
        "[default]\nregion = us-east-1\nendpoint_url = http://127.0.0.1:9\nservices = mine\n\n"
        "[services mine]\ns3 =\n  endpoint_url = {endpoint}\n",
    ],
    ids=["endpoint_url", "services"],
)
def test_the_endpoint_of_a_profile_is_honoured(configured, bucket, tmp_path, config):
    configured(config)
    works(bucket, tmp_path)


def test_keys_and_region_in_the_environment_do_not_hide_the_endpoint_of_a_profile(
    configured, bucket, monkeypatch, tmp_path
):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    configured("[default]\nendpoint_url = {endpoint}\n")
    works(bucket, tmp_path)


@pytest.mark.parametrize(
    "setting", ["use_accelerate_endpoint = true", "addressing_style = virtual"]
)
def test_a_setting_of_a_profile_that_cannot_be_honoured_is_refused_by_name(
    configured, bucket, setting
):
    configured(f"[default]\nendpoint_url = {{endpoint}}\ns3 =\n  {setting}\n")
    with pytest.raises(
        AccessDenied,
        match=f"{setting} in section s3 of the AWS profile is not supported",
    ):
        open_store(f"s3://{bucket}")


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({"AWS_REGION": "eu-west-1"}, "https://s3.eu-west-1.amazonaws.com"),
        ({"AWS_REGION": "cn-north-1"}, "https://s3.cn-north-1.amazonaws.com.cn"),
        (
            {"AWS_REGION": "us-east-2", "AWS_USE_FIPS_ENDPOINT": "true"},
            "https://s3-fips.us-east-2.amazonaws.com",
        ),
        (
            {
                "AWS_REGION": "us-east-2",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
                "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
            },
            "https://s3.us-east-2.amazonaws.com",
        ),
    ],
)
def test_an_endpoint_of_aws_is_the_one_that_boto3_takes(
    s3_environment, monkeypatch, environment, endpoint
):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert read_aws_config("s3://any").endpoint == endpoint
    assert (
        boto3.Session(region_name=environment["AWS_REGION"])
        .client("s3")
        .meta.endpoint_url
        == endpoint
    )


# -- TLS ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def private(s3_environment, monkeypatch, tmp_path):
    """The server behind TLS, with a certificate of an authority that nobody knows; that one's certificate."""
    authority, server = certificates(tmp_path)
    with tls_front(s3_environment.endpoint, server) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
        yield authority


def test_a_certificate_of_a_private_authority_is_told_with_what_to_do(
    private, bucket, monkeypatch
):
    monkeypatch.setattr("reporting_framework.storage.sending.MAX_RETRIES", 0)
    store = open_store(f"s3://{bucket}/a")
    for ask in (lambda: store.get("k"), store.clock):
        with pytest.raises(
            LocationError,
            match=r"certificate of the endpoint is not trusted; set AWS_CA_BUNDLE to the",
        ):
            ask()


@pytest.mark.parametrize("how", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "ca_bundle"])
def test_a_ca_bundle_is_honoured(private, bucket, monkeypatch, tmp_path, how):
    if how == "ca_bundle":
        (tmp_path / "config").write_text(f"[default]\nca_bundle = {private}\n")
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    else:
        monkeypatch.setenv(how, str(private))
    works(bucket, tmp_path)


def test_a_ca_bundle_that_is_none_is_told(private, bucket, monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "none.pem"))
    with pytest.raises(AccessDenied, match=r"AWS_CA_BUNDLE.*no such file .*none\.pem"):
        open_store(f"s3://{bucket}")
    (tmp_path / "none.pem").write_text(
        "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n"
    )
    with pytest.raises(
        AccessDenied, match="the CA bundle holds no certificate in PEM form"
    ):
        open_store(f"s3://{bucket}")


# -- buckets --------------------------------------------------------------------------------------------------------------


def test_the_arn_of_an_access_point_is_told_with_what_to_use_instead(s3_environment):
    with pytest.raises(LocationError, match=r"for an access point its alias"):
        open_store("s3://arn:aws:s3:us-east-1:123456789012:accesspoint/mine/key")


def test_credentials_in_a_uri_are_refused_and_not_shown(s3_environment):
    with pytest.raises(
        LocationError, match="^s3://bucket/key: credentials do not belong in a URI"
    ) as caught:
        open_store("s3://AKIA:hunter2@bucket/key")
    assert "hunter2" not in str(caught.value)


def test_many_threads_may_ask_boto3_at_once(s3, s3_environment, bucket, caplog):
    """Keys that obstore cannot name are read through boto3, as many at once as others."""
    keys = [f"odd\n{number}" for number in range(64)]
    for key in keys:
        s3.client().put_object(Bucket=bucket, Key=key, Body=b"x" * 100_000)
    store = open_store(f"s3://{bucket}")
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(store.get, keys))
    assert [len(each.data) for each in found] == [100_000] * len(keys)
    assert [each.getMessage() for each in caplog.records] == []
