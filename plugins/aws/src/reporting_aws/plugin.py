"""Registration of the AWS plugins."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """Return the sources."""
    return [
        LazyPlugin(
            "kinesis",
            "reporting_aws.kinesis:Kinesis",
            "records of a Kinesis stream, delivered by a trigger",
        ),
        LazyPlugin(
            "sqs",
            "reporting_aws.sqs:Sqs",
            "messages of an SQS queue, delivered by a trigger",
        ),
    ]


@hookimpl
def reporting_transforms() -> Sequence[LazyPlugin]:
    """Return the transform."""
    return [
        LazyPlugin(
            "dynamodb-enrich",
            "reporting_aws.enrich:DynamoDbEnrich",
            "new columns from items of DynamoDB tables, looked up by columns",
        )
    ]


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """Return the sink."""
    return [
        LazyPlugin(
            "dynamodb-counters",
            "reporting_aws.counters:DynamoDbCounters",
            "counts of events and distinct users in a DynamoDB table, exact even if"
            " events are delivered again",
        )
    ]
