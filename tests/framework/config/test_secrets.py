"""Secrets in settings: never shown, and found where a reference says."""

import json

import boto3
import pytest
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count
from pydantic import BaseModel, ValidationError

from reporting_framework import (
    AccessDenied,
    SecretReference,
    SecretText,
    SettingsError,
    StorageUnavailable,
)


class Database(BaseModel, hide_input_in_errors=True):
    url: SecretText


@pytest.fixture
def aws(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def test_a_secret_is_not_shown_and_a_reference_is():
    secret = Database(url="postgresql://u:geheim@h/d")
    assert "geheim" not in repr(secret) + secret.model_dump_json()
    assert secret.url.resolve() == "postgresql://u:geheim@h/d"
    assert secret.url.reference is None
    assert secret.url.permissions() == ()
    assert "secret:ssm:/db/url" in repr(Database(url="secret:ssm:/db/url"))


@pytest.mark.parametrize(
    "text",
    ["secret:", "secret:vault:x", "secret:env:", "secret:env:a-b", "secret:ssm:a b"],
)
def test_a_reference_of_another_form_is_refused(text):
    with pytest.raises(
        ValidationError, match=r"not a valid reference to a secret; use"
    ):
        Database(url=text)


def test_a_variable(monkeypatch):
    monkeypatch.setenv("SHOP_URL", "sqlite:///shop.db")
    assert Database(url="secret:env:SHOP_URL").url.resolve() == "sqlite:///shop.db"
    monkeypatch.setenv("SHOP_URL", "")
    with pytest.raises(
        SettingsError, match=r"secret:env:SHOP_URL: .* is empty; set it"
    ):
        Database(url="secret:env:SHOP_URL").url.resolve()
    monkeypatch.delenv("SHOP_URL")
    with pytest.raises(SettingsError, match="the variable is not set; set it"):
        Database(url="secret:env:SHOP_URL").url.resolve()


def test_a_parameter(aws):
    client = boto3.client("ssm", region_name="eu-central-1")
    client.put_parameter(Name="/db/url", Value="mysql://h/d", Type="SecureString")
    reference = SecretReference("ssm", "/db/url")
    assert reference.resolve() == "mysql://h/d"
    (permission,) = reference.permissions()
    assert permission.actions == ("ssm:GetParameter",)
    assert permission.resource == "arn:aws:ssm:*:*:parameter/db/url"
    with pytest.raises(
        SettingsError,
        match=r"^secret:ssm:/other: there is no such secret \(ParameterNotFound\);",
    ):
        SecretReference("ssm", "/other").resolve()


def test_a_parameter_of_another_region(aws):
    client = boto3.client("ssm", region_name="us-west-2")
    client.put_parameter(Name="/db/url", Value="sqlite:///west.db", Type="SecureString")
    secret = Database(url="secret:ssm:/db/url").url
    assert secret.resolve("us-west-2") == "sqlite:///west.db"
    with pytest.raises(SettingsError, match=r"there is no such secret"):
        secret.resolve()


def test_a_secret_of_secrets_manager(aws):
    client = boto3.client("secretsmanager", region_name="eu-central-1")
    client.create_secret(
        Name="shop", SecretString=json.dumps({"url": "mysql://h/d", "port": 5})
    )
    assert SecretReference("aws", "shop#url").resolve() == "mysql://h/d"
    assert json.loads(SecretReference("aws", "shop").resolve())["port"] == 5
    (permission,) = SecretReference("aws", "shop#url").permissions()
    assert permission.actions == ("secretsmanager:GetSecretValue",)
    assert permission.resource == "arn:aws:secretsmanager:*:*:secret:shop-*"
    for key in ("port", "nothing"):
        with pytest.raises(SettingsError, match=f"no JSON object with a text {key};"):
            SecretReference("aws", f"shop#{key}").resolve()
    with pytest.raises(SettingsError, match=r"\(ResourceNotFoundException\)"):
        SecretReference("aws", "other").resolve()


def test_aws_that_does_not_answer(monkeypatch):
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(StorageUnavailable, match=r"AWS was not reached \(EndpointConn"):
        SecretReference("ssm", "/db/url").resolve()


def test_a_permission_that_is_missing_is_named(aws):
    @set_initial_no_auth_action_count(0)
    def denied():
        SecretReference("ssm", "/db/url").resolve()

    with pytest.raises(
        AccessDenied, match=r"AWS refused the access \(.*\); grant ssm:GetParameter"
    ):
        denied()
