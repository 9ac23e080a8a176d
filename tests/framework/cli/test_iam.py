"""``reporting iam``: a report's policy, made of what its plugins declare."""

import json

import pytest
from click.testing import CliRunner, Result

from reporting_framework import Permission
from reporting_framework.cli.main import reporting
from reporting_framework.operations.iam import policy_of


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(reporting, ["iam", *arguments], prog_name="reporting")


PLACES = (
    "--source",
    "s3://events/prod/",
    "--checkpoint",
    "s3://tables/visits/{study}/events.parquet",
)


def test_the_policy_of_a_report():
    done = invoke("event-log-checkpoint", *PLACES)
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject"],
                "Resource": ["arn:aws:s3:::events/prod/*"],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": ["arn:aws:s3:::events"],
                "Condition": {"StringLike": {"s3:prefix": ["prod/*"]}},
            },
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject"],
                "Resource": ["arn:aws:s3:::tables/visits/*"],
            },
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": ["arn:aws:s3:::tables"],
                "Condition": {"StringLikeIfExists": {"s3:prefix": ["visits/*"]}},
            },
            {
                "Effect": "Allow",
                "Action": ["s3:DeleteObject"],
                "Resource": ["arn:aws:s3:::tables/visits/_runs/*"],
            },
        ],
    }


def test_settings_come_from_everywhere_and_the_partition_from_its_option(
    tmp_path, monkeypatch
):
    config = tmp_path / "reporting.toml"
    config.write_text(
        '[settings.event-log-checkpoint]\nquarantine = "s3://apart/bad.parquet"\n'
    )
    monkeypatch.setenv("SOURCE_BUCKET", "events")
    checkpoint = ("--set", "checkpoint=s3://tables/e.parquet")
    done = invoke(
        "event-log-checkpoint",
        *checkpoint,
        "--config",
        str(config),
        "--partition",
        "aws-cn",
    )
    found = [
        arn
        for statement in json.loads(done.stdout)["Statement"]
        for arn in statement["Resource"]
    ]
    buckets = ["events", "tables", "apart"]
    folders = [
        arn
        for name in buckets
        for arn in (f"arn:aws-cn:s3:::{name}/*", f"arn:aws-cn:s3:::{name}")
    ]
    assert found == [*folders, "arn:aws-cn:s3:::tables/_runs/*"]


def test_where_no_aws_is_used_that_is_said(tmp_path):
    done = invoke(
        "event-log-checkpoint",
        "--source",
        str(tmp_path / "in"),
        "--checkpoint",
        str(tmp_path / "e.parquet"),
    )
    assert (done.exit_code, done.stderr) == (
        0,
        "no AWS permission is needed under these settings\n",
    )
    assert json.loads(done.stdout) == {"Version": "2012-10-17", "Statement": []}


def test_what_an_arn_leaves_open_is_filled_in_but_never_a_buckets():
    table = Permission(("dynamodb:GetItem",), "arn:aws:dynamodb:*:*:table/counts")
    queue = Permission(("sqs:SendMessage",), "arn:aws:sqs:eu-west-1:210987654321:dead")
    bucket = Permission(("s3:GetObject",), "arn:aws:s3:::a/b:c/*")
    policy = policy_of(
        [table, queue, bucket], region="us-east-1", account="123456789012"
    )
    assert [statement["Resource"] for statement in policy["Statement"]] == [
        ["arn:aws:dynamodb:us-east-1:123456789012:table/counts"],
        ["arn:aws:sqs:eu-west-1:210987654321:dead"],
        ["arn:aws:s3:::a/b:c/*"],
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["event-log"], 2, "there is no report 'event-log'"),
        (["event-log-checkpoint"], 2, "setting source is missing"),
        (
            ["event-log-checkpoint", *PLACES, "--dry-run"],
            2,
            "No such option '--dry-run'",
        ),
    ],
)
def test_errors(arguments, code, message):
    done = invoke(*arguments)
    assert done.exit_code == code
    assert message in done.stderr


def test_a_composed_report_whose_plugins_settings_are_wrong_says_which(tmp_path):
    config = tmp_path / "reporting.toml"
    config.write_text(
        '[reports.orders]\nsource = { use = "object-store-json", uri = "s3://shop/", oops = 1 }\n'
        'validator = { use = "pydantic", model = "m:M" }\nsinks = [{ use = "parquet-checkpoint", uri = "s3://t/o.parquet" }]\n'
    )
    done = invoke("orders", "--config", str(config))
    assert (done.exit_code, done.stdout) == (2, "")
    assert "report orders: source object-store-json" in done.stderr
    assert "oops" in done.stderr
