"""Settings, and where URL and token come from."""

import boto3
import pytest
from moto import mock_aws
from pydantic import ValidationError

from reporting_framework.errors import SettingsError
from reporting_redcap.credentials import credentials_of
from reporting_redcap.settings import RedcapSettings
from reporting_redcap.source import Redcap

URL = "https://redcap.example.org/api/"


@pytest.fixture
def parameters(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("ssm", region_name="us-west-2")
        for name, value in (("url", URL), ("token", "ABC\n")):
            name = f"/redcap/aws/pid_0/{name}"
            client.put_parameter(Name=name, Value=value, Type="SecureString")
        yield client


def test_url_and_token_from_a_folder_of_parameters(parameters):
    settings = RedcapSettings(parameter_path="/redcap/aws/pid_0/", region="us-west-2")
    assert credentials_of(settings, "source redcap") == (URL, "ABC")
    assert [
        (permission.actions, permission.resource)
        for permission in Redcap.aws_permissions(settings)
    ] == [
        (("ssm:GetParameter",), f"arn:aws:ssm:*:*:parameter/redcap/aws/pid_0/{name}")
        for name in ("url", "token")
    ]
    name = "/redcap/aws/pid_0/url"
    parameters.put_parameter(Name=name, Value="x", Type="String", Overwrite=True)
    with pytest.raises(SettingsError, match=r"parameter url is not a URL; store"):
        credentials_of(settings, "source redcap")
    elsewhere = RedcapSettings(parameter_path="redcap/aws/pid_0")
    with pytest.raises(SettingsError, match=r"secret:ssm:/redcap/.*/url: there is no"):
        credentials_of(elsewhere, "source redcap")


def test_a_token_by_reference(monkeypatch):
    monkeypatch.setenv("REDCAP_TOKEN", "ABC")
    settings = RedcapSettings(url=URL, token="secret:env:REDCAP_TOKEN")
    assert credentials_of(settings, "source redcap") == (URL, "ABC")
    assert Redcap.aws_permissions(settings) == ()
    stored = RedcapSettings(url=URL, token="secret:aws:redcap#token")
    [permission] = Redcap.aws_permissions(stored)
    assert permission.actions == ("secretsmanager:GetSecretValue",)
    assert "ABC" not in repr(RedcapSettings(url=URL, token="ABC"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give url and token, or parameter_path"),
        ({"url": URL}, "give url and token, or parameter_path"),
        ({"url": URL, "parameter_path": "/a"}, "give either url and token"),
        ({"url": "redcap", "token": "t"}, "not a URL; use https://"),
        ({"url": "https://u:p@h/api/", "token": "t"}, "a setting of its own"),
        ({"parameter_path": "/a", "time_zone": "PST8"}, "use a name such as"),
        ({"parameter_path": "/a", "report_id": "x"}, "report_id"),
        ({"parameter_path": "/a", "report_id": 1, "fields": ["a"]}, "has its own"),
        ({"parameter_path": "/a", "date_begin": "2026-01-01T00:00Z"}, "no offset"),
    ],
)
def test_settings_that_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        RedcapSettings(**given)
