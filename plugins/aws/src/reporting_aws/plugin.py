"""What this package brings."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """The sources."""
    return [
        LazyPlugin(
            "kinesis",
            "reporting_aws.kinesis:Kinesis",
            "records of a Kinesis stream that hands them over",
        ),
        LazyPlugin(
            "sqs",
            "reporting_aws.sqs:Sqs",
            "messages of an SQS queue that hands them over",
        ),
    ]


@hookimpl
def reporting_transforms() -> Sequence[LazyPlugin]:
    """The transform."""
    return [
        LazyPlugin(
            "dynamodb-enrich",
            "reporting_aws.enrich:DynamoDbEnrich",
            "new columns from items of DynamoDB tables, looked up by columns",
        )
    ]


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """The sink."""
    return [
        LazyPlugin(
            "dynamodb-counters",
            "reporting_aws.counters:DynamoDbCounters",
            "counts of events and of distinct users in a DynamoDB table, exact also"
            " when events come again",
        )
    ]
