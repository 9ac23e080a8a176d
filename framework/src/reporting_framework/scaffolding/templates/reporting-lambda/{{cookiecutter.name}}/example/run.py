"""Runs the report on the example data, on a DynamoDB of moto in this process, and prints the counters."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

HERE = Path(__file__).parent
TABLE = "{{ cookiecutter.name }}-counters"


def main() -> int:
    """Run it and give its exit code."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ |= {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "example",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        return run()
    finally:
        server.stop()


def run() -> int:
    """Make the table, run the report, and read the table."""
    dynamodb = boto3.client("dynamodb")
    keys = ("partition_key", "sort_key")
    dynamodb.create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=True)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
{% if cookiecutter.__pushed %}
    data = ["--events", str(HERE / "event.json")]
{% else %}
    data = ["--source", str(HERE / "records")]
{% endif %}
    program = Path(sys.executable).with_name("reporting-run")
    report = [str(program), "{{ cookiecutter.name }}"]
    code = subprocess.run([*report, *data, "--table", TABLE, *sys.argv[1:]], check=False).returncode
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        if "event_count" in item:
            print(item["partition_key"]["S"], item["sort_key"]["S"], item["event_count"]["N"], file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
