"""What terraform/event-processor deploys is what the report needs and reads."""

import json

import pytest

from reporting_aws.counters_settings import DynamoDbCountersSettings
from reporting_event_processor.report import EventProcessor
from reporting_framework.aws_lambda.settings import FunctionSettings
from reporting_framework.config.file import Config
from reporting_framework.config.resolve import resolve_settings
from reporting_framework.operations.iam import permissions_of, policy_of
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import composed
from tests.support.terraform import ROOT, planned

NAME = "event-processor"
ACCOUNT, REGION = "123456789012", "us-east-1"  # the emulator's
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/events"
QUEUE = {
    # Of a queue that is made, the URL is known only after apply; a plan then tells nothing at all of the environment.
    "create_dead_letter_queue": "false",
    "dead_letter_queue_url": f"https://sqs.{REGION}.amazonaws.com/999999999999/bad-records",
}

DEPLOYMENTS = [
    {  # each has something of its own that the two must understand alike
        "stream_arn": STREAM,
        "archive_bucket": "archive",
        "archive_prefix": "/experiments/raw",
        "assignments_table": "assignments",
        "experiments_table": "experiments",
        "settings": '{ extra = "ignore", cache_seconds = "60" }',
    },
    {"stream_arn": STREAM, "archive_bucket": "archive"},
    {
        "create_stream": "true",
        "archive_bucket": "archive",
        "archive_prefix": "raw/",
        "create_archive_bucket": "true",
        "create_dynamodb_table": "false",
        "dynamodb_table": "counters",
        "experiments_table": "experiments",
        "create_experiments_table": "true",
        "delivery": "at-least-once",
    },
]


@pytest.fixture(scope="module")
def deploy(plan):
    """Plans the configuration with the packages that stand for this report's."""

    def make(*options, **values):
        given = [f"-var={name}={value}" for name, value in values.items()]
        return plan(
            NAME,
            "-var=packages_dir=../tests/event-processor-packages",
            *options,
            *given,
        )

    return make


@pytest.fixture(
    scope="module",
    params=[
        "prod",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("dev", "staging")),
    ],
)
def example(request, deploy):
    """The plan of each of the examples, with a queue that is there."""
    return deploy(f"-var-file=examples/{request.param}.tfvars", **QUEUE)


def environment_of(made):
    [function] = planned(made, "aws_lambda_function").values()
    return function["environment"][0]["variables"]


def settings_of(made):
    return resolve_settings(
        NAME, EventProcessor.Settings, config=Config(), environment=environment_of(made)
    )


def policy_in(made):
    return json.loads(made["planned_values"]["outputs"]["policy"]["value"])


def check_policy(made):
    """The function may do what the plugins declare for the settings that it reads from its environment."""
    permissions = permissions_of(
        NAME, composed(EventProcessor(), settings_of(made)), load_plugins()
    )
    expected = policy_of(permissions, region=REGION, account=ACCOUNT)
    assert policy_in(made) == expected


@pytest.mark.slow
@pytest.mark.parametrize("values", DEPLOYMENTS)
def test_terraform_builds_the_policy_that_the_plugins_declare(deploy, values):
    made = deploy(environment="dev", **values, **QUEUE)
    check_policy(made)
    settings = settings_of(made)
    folder = values.get("archive_prefix", "").strip("/")
    assert settings.archive == f"s3://archive/{folder and f'{folder}/'}"
    assert settings.delivery == values.get("delivery", "exactly-once")
    for name in ("assignments_table", "experiments_table"):
        assert getattr(settings, name) == values.get(name)


def test_the_examples_policy_is_what_the_plugins_declare(example):
    check_policy(example)


def test_the_functions_environment_is_what_the_handler_and_the_report_read(example):
    variables = environment_of(example)
    handler = FunctionSettings.of(variables)
    assert (handler.report, handler.environment_) == (
        NAME,
        variables["REPORTING_ENVIRONMENT"],
    )
    assert ("S3_BUCKET" in variables) != (
        "REPORTING_EVENT_PROCESSOR__ARCHIVE" in variables
    )
    given = {
        name.rpartition("__")[2].lower()
        for name in variables
        if name.startswith("REPORTING_EVENT_PROCESSOR__")
    }
    assert given <= EventProcessor.Settings.model_fields.keys()
    settings = settings_of(example)
    chosen = {name: each["value"] for name, each in example["variables"].items()}
    assert settings.marker_days == chosen["marker_days"]
    assert settings.assignments_table == chosen["assignments_table"]
    assert settings.experiments_table == chosen["experiments_table"]
    assert settings.dynamodb_table == f"{NAME}-{handler.environment_}-counters"


def test_defaults_are_the_reports(example):
    fields = EventProcessor.Settings.model_fields
    variables = example["configuration"]["root_module"]["variables"]
    for name in ("delivery", "marker_days"):
        assert variables[name]["default"] == fields[name].default


def test_the_stream_reaches_the_alias_and_nothing_is_lost_on_the_way(example):
    [trigger] = planned(example, "aws_lambda_event_source_mapping").values()
    assert trigger.get("function_name") is None, (
        "the alias's ARN is known only after apply; a name would be known"
    )
    assert trigger["bisect_batch_on_function_error"]
    assert trigger["function_response_types"] == ["ReportBatchItemFailures"]
    assert (
        trigger["maximum_retry_attempts"]
        == trigger["maximum_record_age_in_seconds"]
        == -1
    )
    assert len(trigger["destination_config"]) == 1
    retention = [
        each["retention_period"]
        for each in planned(example, "aws_kinesis_stream").values()
    ]
    assert all(hours < settings_of(example).marker_days * 24 for hours in retention)


def test_tables_have_the_keys_that_the_plugins_ask_by(example):
    composition = composed(EventProcessor(), settings_of(example))
    asked = {
        lookup["table"]: list(lookup["key"])
        for use in composition.transforms
        for lookup in use.settings["lookups"]
    }
    [sink] = [use for use in composition.sinks if use.name == "dynamodb-counters"]
    asked[DynamoDbCountersSettings.model_validate(sink.settings).table] = [
        "partition_key",
        "sort_key",
    ]
    made = planned(example, "aws_dynamodb_table").values()
    assert made
    for table in made:
        assert [
            table["hash_key"],
            *([table["range_key"]] if table["range_key"] else []),
        ] == asked[table["name"]]
        assert {(each["name"], each["type"]) for each in table["attribute"]} == {
            (name, "S") for name in asked[table["name"]]
        }
        assert table["point_in_time_recovery"][0]["enabled"]
        assert table["server_side_encryption"][0]["enabled"]
        assert (
            table["deletion_protection_enabled"]
            != example["variables"]["force_destroy"]["value"]
        )


def test_no_policy_has_a_wildcard_action_and_only_x_ray_is_for_every_resource(example):
    policies = [
        json.loads(each["policy"])
        for each in planned(example, "aws_iam_role_policy").values()
        if each.get("policy")
    ]
    policies.append(policy_in(example))
    for statement in (
        statement for policy in policies for statement in policy["Statement"]
    ):
        assert not any("*" in action for action in statement["Action"])
        assert "*" not in statement["Resource"] or set(statement["Action"]) <= {
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
        }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_what_is_set_aside_goes_to_a_queue_of_its_own_with_an_alarm(deploy, name):
    made = deploy(f"-var-file=examples/{name}.tfvars")
    full = f"{NAME}-{name}"
    assert policy_in(made)["Statement"][0] == {
        "Effect": "Allow",
        "Action": ["sqs:SendMessage"],
        "Resource": [f"arn:aws:sqs:{REGION}:{ACCOUNT}:{full}-records-dead-letters"],
    }
    alarms = {
        each["alarm_name"]: each
        for each in planned(made, "aws_cloudwatch_metric_alarm").values()
    }
    own = alarms[f"{full}-records-dead-letter"]
    watched = {
        own["dimensions"]["QueueName"],
        alarms[f"{full}-dead-letter"]["dimensions"]["QueueName"],
    }
    assert watched == {each["name"] for each in planned(made, "aws_sqs_queue").values()}
    assert own["alarm_actions"] == alarms[f"{full}-iterator-age"]["alarm_actions"]
    [function] = planned(made, "aws_lambda_function").values()
    assert alarms[f"{full}-duration"]["threshold"] < function["timeout"] * 1000


@pytest.mark.slow
def test_the_first_settings_file_is_an_example_that_can_be_planned(deploy):
    made = deploy(f"-var-file={ROOT / NAME / 'terraform.tfvars.example'}", **QUEUE)
    assert environment_of(made)["REPORTING_ENVIRONMENT"] == "dev"
