"""Region, endpoint, credentials and CA bundle of AWS, as boto3 finds them.

boto3, obstore and polars all use this configuration.

boto3 is imported only if a configuration file exists or the environment does not hold
keys and region.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from reporting_framework.errors import AccessDenied

_CHECKED = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_CA_BUNDLE",
)
_BOTO3_ONLY = (
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
)
"""Variables that choose the endpoint by rules that only boto3 knows."""

_REFUSED = ("AWS_CHECKSUM_ALGORITHM", "AWS_SERVER_SIDE_ENCRYPTION")
"""Variables that boto3 does not know and obstore applies to every request; no option of
obstore overrides them.
"""


class AwsKeys(NamedTuple):
    """Credentials from the environment."""

    access_key: str
    secret_key: str
    token: str | None


class AwsConfig(NamedTuple):
    """Configuration for S3.

    Attributes:
        region: The region to sign for.
        endpoint: URL that requests go to, path style: AWS's own or another server's.
        ca_bundle: PEM file of the certificates to trust, or None for the system's
            certificates.
        keys: Credentials from the environment, or None to ask `session`.
        session: boto3's session, or None if the environment holds everything.
    """

    region: str
    endpoint: str
    ca_bundle: str | None
    keys: AwsKeys | None
    session: Any


def aws_variables() -> tuple[tuple[str, str], ...]:
    """Return the environment variables that decide where requests go.

    Empty variables are removed from the environment first: boto3 ignores some empty
    variables and fails on others, and obstore aborts the process on an empty endpoint.

    Raises:
        AccessDenied: A variable cannot be used.
    """
    variables = {
        name: value for name, value in os.environ.items() if name.startswith("AWS_")
    }
    for name in [name for name, value in variables.items() if not value.strip()]:
        os.environ.pop(name, None)
        del variables[name]
    _check(variables)
    return (
        *sorted(variables.items()),
        ("REQUESTS_CA_BUNDLE", os.environ.get("REQUESTS_CA_BUNDLE", "")),
    )


def aws_session() -> Any:
    """Return a boto3 session for the configured region.

    The region may also come from ``AWS_REGION``, which boto3 itself does not read.

    Raises:
        AccessDenied: A variable cannot be used.
        botocore.exceptions.BotoCoreError: The profile or the configuration file cannot
            be used.
    """
    import boto3
    import botocore.session

    aws_variables()
    core = botocore.session.get_session()
    core.register_component("data_loader", _loader())
    return boto3.Session(
        botocore_session=core, region_name=os.environ.get("AWS_REGION")
    )


@cache
def _loader() -> Any:
    """Return one shared loader of botocore's service models.

    Parsing the models again takes two thirds of the time to create a client.
    """
    from botocore.loaders import create_loader

    return create_loader(os.environ.get("AWS_DATA_PATH"))


def read_aws_config(where: str) -> AwsConfig:
    """Return the configuration for S3, from the environment or through boto3.

    Args:
        where: The bucket's URI, for messages.

    Raises:
        AccessDenied: The configuration cannot be used, or there are no credentials.
    """
    variables = dict(aws_variables())
    keys = None
    if "AWS_ACCESS_KEY_ID" in variables and "AWS_SECRET_ACCESS_KEY" in variables:
        keys = AwsKeys(
            variables["AWS_ACCESS_KEY_ID"],
            variables["AWS_SECRET_ACCESS_KEY"],
            variables.get("AWS_SESSION_TOKEN"),
        )
    region = variables.get("AWS_REGION") or variables.get("AWS_DEFAULT_REGION")
    if (
        keys is None
        or region is None
        or any(name in variables for name in _BOTO3_ONLY)
        or _has_file(variables)
    ):
        config = _from_boto3(where, region, keys)
    else:
        suffix = ".cn" if region.startswith("cn-") else ""
        own = f"https://s3.{region}.amazonaws.com{suffix}"
        endpoint = (
            variables.get("AWS_ENDPOINT_URL_S3")
            or variables.get("AWS_ENDPOINT_URL")
            or own
        )
        config = AwsConfig(region, endpoint, variables.get("AWS_CA_BUNDLE"), keys, None)
    bundle = config.ca_bundle or variables["REQUESTS_CA_BUNDLE"] or None
    if config.endpoint.startswith("http://"):
        bundle = None
    if bundle and not os.path.isfile(bundle):
        raise AccessDenied(
            f"{where}: AWS_CA_BUNDLE, ca_bundle or REQUESTS_CA_BUNDLE: no such file"
            f" {bundle}; correct it"
        )
    return config._replace(ca_bundle=bundle)


def _has_file(variables: dict[str, str]) -> bool:
    return any(
        os.path.isfile(os.path.expanduser(variables.get(name, usual)))
        for name, usual in (
            ("AWS_CONFIG_FILE", "~/.aws/config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        )
    )


def _from_boto3(where: str, region: str | None, keys: AwsKeys | None) -> AwsConfig:
    """Return the configuration from boto3: profiles, services, roles, single sign-on.

    Raises:
        AccessDenied: The configuration cannot be used, or there are no credentials.
    """
    from botocore.exceptions import BotoCoreError

    try:
        session = aws_session()
        core = (
            session._session
        )  # boto3 shows neither the profile's own settings nor the CA bundle
        credentials = keys or session.get_credentials()
        region = region or session.region_name or "us-east-1"
        endpoint = session.client("s3", region_name=region).meta.endpoint_url
        bundle, profile = (
            core.get_config_variable("ca_bundle"),
            core.get_scoped_config(),
        )
    except (
        BotoCoreError,
        ValueError,
    ) as error:  # such as a missing profile; the text names no secret
        raise AccessDenied(
            f"{where}: {error}; check AWS_PROFILE and the AWS configuration"
        ) from error
    if credentials is None:
        raise AccessDenied(
            f"{where}: no AWS credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID"
            " and AWS_SECRET_ACCESS_KEY"
        )
    _check_profile(where, profile.get("s3"))
    return AwsConfig(region, endpoint, bundle, keys, session)


def _check_profile(where: str, settings: Any) -> None:
    """Refuse settings in section ``s3`` of the profile that obstore cannot honour."""
    if not isinstance(settings, dict):
        return
    for name, refused in (
        ("addressing_style", "virtual"),
        ("use_accelerate_endpoint", "true"),
    ):
        if str(settings.get(name, "")).lower() == refused:
            raise AccessDenied(
                f"{where}: {name} = {refused} in section s3 of the AWS profile is not"
                " supported; use another profile"
            )


def _check(variables: dict[str, str]) -> None:
    """Refuse variables that obstore cannot honour or that would abort the process."""
    for name in _CHECKED:
        if any(not character.isprintable() for character in variables.get(name, "")):
            raise AccessDenied(
                f"environment variable {name} holds a line break or a control"
                " character; remove it"
            )
    for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"):
        if name in variables and not _is_endpoint(variables[name]):
            raise AccessDenied(
                f"environment variable {name} is not of the form http://host:port or"
                " https://host; correct it"
            )
    for name in _REFUSED:
        if name in variables:
            raise AccessDenied(
                f"environment variable {name} is not supported; unset it and set the"
                " bucket's default instead"
            )


def _is_endpoint(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and " " not in value
        )
    except ValueError:  # not a port
        return False
