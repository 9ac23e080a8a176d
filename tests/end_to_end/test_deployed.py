"""The report's packages as a function with two layers in an AWS on loopback, fired by all that fires it there."""

import io
import json
import time

import polars as pl
import pytest

from tests.end_to_end.conftest import EXAMPLE, HANDLER
from tests.support import ministack

pytestmark = pytest.mark.slow

ROLE = "arn:aws:iam::123456789012:role/reporting"


@pytest.fixture(scope="module")
def aws(python):
    with ministack(python=python) as stack:
        yield stack


@pytest.fixture(scope="module")
def function(aws, built, python):
    """The function, deployed as users do: layers over 50 MB come from a bucket."""
    s3, client = aws.s3.client(), aws.client("lambda", read_timeout=120)
    for bucket in ("artifacts", "visit-events", "checkpoints"):
        s3.create_bucket(Bucket=bucket)
    manifest = json.loads((built / "manifest.json").read_text())
    layers = []
    for name in ("powertools-layer", "data-layer"):
        s3.upload_file(str(built / f"{name}.zip"), "artifacts", f"{name}.zip")
        content = {"S3Bucket": "artifacts", "S3Key": f"{name}.zip"}
        layers.append(
            client.publish_layer_version(LayerName=name, Content=content)[
                "LayerVersionArn"
            ]
        )
    created = client.create_function(
        FunctionName="visits",
        Runtime=f"python{manifest['python']}",
        Handler=HANDLER,
        Role=ROLE,
        Code={"ZipFile": (built / "function.zip").read_bytes()},
        Layers=layers,
        Timeout=120,
        MemorySize=1024,
        Environment={
            "Variables": {
                "REPORTING_REPORT": "event-log-checkpoint",
                "SOURCE_BUCKET": "visit-events",
                "PREFIX": "prod/",
                "CHECKPOINT_BUCKET": "checkpoints",
                "CHECKPOINT_KEY": "visits/events.parquet",
                **aws.s3.environment(),
            }
        },
    )
    return created["FunctionArn"]


def rows(aws):
    """Rows of the checkpoint; none as long as there is no file."""
    try:
        found = (
            aws.s3.client()
            .get_object(Bucket="checkpoints", Key="visits/events.parquet")["Body"]
            .read()
        )
    except aws.s3.client().exceptions.NoSuchKey:
        return 0
    return pl.read_parquet(io.BytesIO(found)).height


def until(aws, expected, seconds=60):
    deadline = time.monotonic() + seconds
    while rows(aws) != expected and time.monotonic() < deadline:
        time.sleep(0.5)
    assert rows(aws) == expected, "\n".join(aws.logs("visits")[-20:])


def test_a_direct_invocation_a_notification_and_a_schedule_bring_the_checkpoint_forward(
    aws, function
):
    s3 = aws.s3.client()
    good = sorted(
        path
        for path in EXAMPLE.glob("log-submit-2*.json")
        if b"{" in path.read_bytes()[:1]
    )
    names = [path.name for path in good]
    first, second, third = (
        names[: len(names) // 2],
        names[len(names) // 2],
        names[len(names) // 2 + 1 :],
    )

    def put(name):
        s3.put_object(
            Bucket="visit-events",
            Key=f"prod/{name}",
            Body=(EXAMPLE / name).read_bytes(),
        )

    for name in first:
        put(name)
    answered = aws.client("lambda", read_timeout=120).invoke(
        FunctionName="visits", Payload=b"{}"
    )
    answer = json.load(answered["Payload"])
    assert "FunctionError" not in answered, answer
    assert (answer["statusCode"], answer["complete"]) == (200, True)
    total = answer["total_events"]
    assert total == answer["new_events_processed"] == rows(aws) > 0

    lambda_ = aws.client("lambda")
    lambda_.add_permission(
        FunctionName="visits",
        StatementId="s3",
        Action="lambda:InvokeFunction",
        Principal="s3.amazonaws.com",
    )
    s3.put_bucket_notification_configuration(
        Bucket="visit-events",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    put(second)
    until(aws, total + 1)
    s3.put_bucket_notification_configuration(
        Bucket="visit-events", NotificationConfiguration={}
    )

    for name in third:
        put(name)
    aws.client("scheduler").create_schedule(
        Name="hourly",
        ScheduleExpression="at(2020-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": function, "RoleArn": ROLE},
    )
    deadline = time.monotonic() + 60
    while rows(aws) == total + 1 and time.monotonic() < deadline:
        time.sleep(0.5)
    again = json.load(
        aws.client("lambda", read_timeout=120).invoke(
            FunctionName="visits", Payload=b"{}"
        )["Payload"]
    )
    assert (again["new_events_processed"], again["total_events"]) == (0, rows(aws))
    assert rows(aws) > total + 1
    assert any('"trigger":"schedule"' in line for line in aws.logs("visits"))
