"""What the root configurations deploy is what the code needs and emits."""

import json
import subprocess
import sys

import pytest

from reporting_event_log_checkpoint.report import EventLogCheckpoint
from reporting_framework.aws_lambda.settings import FunctionSettings
from reporting_framework.config.file import Config
from reporting_framework.config.resolve import resolve_settings
from reporting_framework.operations.iam import permissions_of, policy_of
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import composed
from tests.support.terraform import ROOT, changes, planned

NAME = "event-log-checkpoint"
PLACES = [
    {
        "source_bucket": "visits",
        "checkpoint_bucket": "tables",
        "checkpoint_key": "visits/events.parquet",
    },
    {  # each has something of its own that the two must understand alike
        "source_bucket": "visits",
        "prefix": "prod/2024/",
        "checkpoint_bucket": "tables",
        "checkpoint_key": "a/of-{study}/{datatype}/events.parquet",
        "quarantine": "s3://apart/bad/visits.parquet",
    },
    {
        "source_bucket": "visits",
        "prefix": "prod",
        "checkpoint_bucket": "tables",
        "checkpoint_key": "events.parquet",
    },
]


def options(places):
    return [f"-var={name}={value}" for name, value in places.items()]


def check_policy(made, places):
    report = EventLogCheckpoint()
    permissions = permissions_of(
        NAME, composed(report, report.Settings.model_validate(places)), load_plugins()
    )
    assert json.loads(
        made["planned_values"]["outputs"]["policy"]["value"]
    ) == policy_of(permissions)


@pytest.mark.slow
@pytest.mark.parametrize("places", PLACES)
def test_terraform_builds_the_policy_that_the_plugins_declare(plan, places):
    check_policy(plan(NAME, "-var=environment=dev", *options(places)), places)


EXAMPLES = {
    "prod": {},
    "dev": {},
    "staging": {},
    "prod, with places of its own": PLACES[1],
}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[] if places else pytest.mark.slow)
        for name, places in EXAMPLES.items()
    ],
)
def example(request, plan):
    """The plan of each of the examples."""
    name = request.param.partition(",")[0]
    return plan(
        NAME,
        f"-var-file=examples/{name}.tfvars",
        *options(EXAMPLES[request.param]),
    )


def test_the_examples_policy_is_what_the_plugins_declare(example):
    names = {name for places in PLACES for name in places}
    given = {name: example["variables"][name]["value"] for name in names}
    check_policy(
        example, {name: value for name, value in given.items() if value is not None}
    )


def environment_of(made):
    [function] = planned(made, "aws_lambda_function").values()
    return function["environment"][0]["variables"]


def test_the_functions_environment_is_what_the_handler_and_the_report_read(example):
    variables = environment_of(example)
    settings = FunctionSettings.of(variables)
    assert (settings.report, settings.environment_) == (
        NAME,
        variables["REPORTING_ENVIRONMENT"],
    )
    found = resolve_settings(
        NAME, EventLogCheckpoint.Settings, config=Config(), environment=variables
    )
    assert found.source == f"s3://{variables['SOURCE_BUCKET']}/{variables['PREFIX']}"
    given = {
        name.rpartition("__")[2].lower()
        for name in variables
        if name.startswith("REPORTING_EVENT_LOG_CHECKPOINT__")
    }
    assert given <= EventLogCheckpoint.Settings.model_fields.keys()


def test_all_triggers_go_through_the_alias(example):
    for kind, path in (
        ("aws_scheduler_schedule", ("target", 0, "arn")),
        ("aws_lambda_event_source_mapping", ("function_name",)),
    ):
        for values in planned(example, kind).values():
            for step in path:
                values = (
                    values[step] if isinstance(step, int) or step in values else None
                )
            assert values is None, (
                "the alias's ARN is known only after apply; a name of the function would be known"
            )


def test_the_function_is_a_powertools_service_that_does_on_error_as_told(example):
    assert (
        environment_of(example)["POWERTOOLS_SERVICE_NAME"]
        == f"{NAME}-{example['variables']['environment']['value']}"
    )
    assert environment_of(example)["REPORTING_ON_ERROR"] == "auto"


LEAST = [
    f"-var={name}={value}"
    for name, value in PLACES[0].items()
    if name != "checkpoint_key"
]


def test_two_buckets_are_all_that_must_be_given_and_an_empty_topic_is_none(plan):
    made = plan(
        NAME,
        *LEAST,
        "-var=alarm_sns_topic_arn=",
        "-var=on_error=raise",
        "-var=lambda_timeout=60",
    )
    variables = environment_of(made)
    assert variables["CHECKPOINT_KEY"] == "checkpoints/events.parquet"
    assert FunctionSettings.of(variables).environment_ == "dev"
    assert FunctionSettings.of(variables).on_error == "raise"
    outputs = made["planned_values"]["outputs"]
    assert outputs["environment_variables"]["value"] == variables
    assert outputs["role_name"]["value"] == f"{NAME}-dev-function"
    alarms = planned(made, "aws_cloudwatch_metric_alarm").values()
    assert not any(alarm["alarm_actions"] for alarm in alarms)
    [threshold] = [
        alarm["threshold"] for alarm in alarms if alarm["metric_name"] == "Duration"
    ]
    assert threshold == 40_000, "two thirds of the timeout"


@pytest.mark.slow
def test_a_target_is_the_module_with_alias_and_policy_not_the_resource(plan):
    page = (ROOT.parent / "docs" / "how-to" / "deploy.md").read_text()
    assert "    terraform apply -target=module.function\n" in page
    targeted = changes(plan(NAME, *LEAST, "-target=module.function")).keys()
    assert {
        f"module.function.{name}"
        for name in (
            "aws_lambda_function.this",
            "aws_lambda_alias.this",
            "aws_iam_role_policy.report[0]",
        )
    } <= targeted
    assert not any(address.startswith("module.monitoring") for address in targeted)
    assert changes(plan(NAME, *LEAST, "-target=aws_lambda_function.this")) == {}, (
        "it matches nothing, and is no error"
    )


def test_no_policy_has_a_wildcard_action_and_only_x_ray_is_for_every_resource(example):
    policies = [
        json.loads(each["policy"])
        for each in planned(example, "aws_iam_role_policy").values()
        if each.get("policy")
    ]
    assert policies
    for statement in (
        statement for policy in policies for statement in policy["Statement"]
    ):
        assert not any("*" in action for action in statement["Action"])
        assert "*" not in statement["Resource"] or set(statement["Action"]) <= {
            "xray:PutTraceSegments",
            "xray:PutTelemetryRecords",
        }


@pytest.mark.slow
def test_the_first_settings_file_is_an_example_that_can_be_planned(plan):
    made = plan(NAME, f"-var-file={ROOT / NAME / 'terraform.tfvars.example'}")
    assert environment_of(made)["REPORTING_ENVIRONMENT"] == "dev"


EMIT = f"""
from reporting_event_log_checkpoint.report import EventLogCheckpoint
from reporting_framework.aws_lambda.observability import Observability
from reporting_framework.aws_lambda.settings import FunctionSettings
from reporting_framework.plugin_api.result import RunResult, Seconds

observer = Observability(FunctionSettings(report={NAME!r}))
observer.report = EventLogCheckpoint()
observer.reporting_run_finished(
    RunResult(report={NAME!r}, run_id="1", status="ok", complete=True, dry_run=False, seconds=Seconds(total=1))
)
observer.failed(ValueError(), refused=False)
observer.failed(ValueError(), refused=True)
"""


def emitted():
    """Names of all metrics that the function emits: of a run, of a failed one, of a refused request.

    In a process of its own: a function's logs are for the whole process.
    """
    done = subprocess.run(
        [sys.executable, "-c", EMIT], capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    found = [
        each
        for line in lines
        if "_aws" in line
        for each in line["_aws"]["CloudWatchMetrics"]
    ]
    assert {(each["Namespace"], *map(tuple, each["Dimensions"])) for each in found} == {
        ("Reporting", ("report", "environment"))
    }
    return {metric["Name"] for each in found for metric in each["Metrics"]}


def test_alarms_and_dashboard_watch_what_the_code_emits(example):
    watched = []
    for alarm in planned(example, "aws_cloudwatch_metric_alarm").values():
        watched.append(alarm)
        watched += [
            query["metric"][0]
            for query in alarm["metric_query"] or []
            if query["metric"]
        ]
    own = {
        each["metric_name"] for each in watched if each.get("namespace") == "Reporting"
    }
    assert own <= emitted()
    assert {"EventsProcessed", "EventsFailed", "RunFailed"} <= own
    if example["variables"]["success_within_hours"]["value"]:
        assert {"RunSucceeded", "ObjectsUnread", "ObjectsRemaining"} <= own, (
            "work that stays partial is seen"
        )
    variables = environment_of(example)
    expected = {"report": NAME, "environment": variables["REPORTING_ENVIRONMENT"]}
    assert all(
        each["dimensions"] == expected
        for each in watched
        if each.get("namespace") == "Reporting"
    )
    aws = {
        (each["namespace"], each["metric_name"])
        for each in watched
        if (each.get("namespace") or "").startswith("AWS/")
    }
    assert {
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Duration"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    } == aws
