"""The policy that a new package's Terraform makes is the one that `reporting iam` prints of its report."""

import json
import shutil
from pathlib import Path

import pytest

from tests.support.terraform import ROOT, Terraform
from tests.templates.answering import ANSWER_SETS, AnswerSet
from tests.templates.test_made import run

PLACE = ["--region", "us-east-1", "--account", "123456789012"]
SOURCES = {
    "object-store-json": ["--source", "s3://my-records/incoming/"],
    "own": ["--source", "s3://my-records/incoming/"],
    "kinesis": ["--dead-letter-queue", "https://sqs.us-east-1.amazonaws.com/123456789012/{name}-dev-records-dead-letters"],
    "sqs": ["--dead-letter-queue", "https://sqs.us-east-1.amazonaws.com/123456789012/{name}-dev-records-dead-letters"],
}
SINKS = {
    "parquet-checkpoint": ["--checkpoint", "s3://my-tables/{name}/table.parquet"],
    "ndjson-archive": ["--archive", "s3://my-tables/{name}/"],
    "dynamodb-counters": ["--table", "{name}-dev-counters"],
    "own": ["--output", "s3://my-tables/{name}/table.ndjson"],
}

TEST = """
mock_provider "aws" {
  override_during = plan

  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "us-east-1" }
  }
  mock_data "aws_ssm_parameters_by_path" {
    defaults = { names = [], values = [] }
  }
  mock_resource "aws_sqs_queue" {
    defaults = {
      arn = "arn:aws:sqs:us-east-1:123456789012:queue"
      url = "https://sqs.us-east-1.amazonaws.com/123456789012/queue"
    }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/role" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:group" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { version = "1", arn = "arn:aws:lambda:us-east-1:123456789012:function:function" }
  }
  mock_resource "aws_lambda_alias" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:function:dev" }
  }
  mock_resource "aws_lambda_layer_version" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:layer:layer:1", version = "1" }
  }
}

run "the_policy" {
  command = plan

  variables {
    packages_dir = "PACKAGES"
  }

  assert {
    condition = toset([for each in jsondecode(output.policy).Statement : jsonencode(each)]) == toset([
      for each in jsondecode(<<-JSON
        POLICY
      JSON
      ).Statement : jsonencode(each)
    ])
    error_message = output.policy
  }
}
"""


@pytest.mark.slow
@pytest.mark.usefixtures("terraform_there")
@pytest.mark.parametrize(
    "answers", [each for each in ANSWER_SETS if each.answers.get("terraform")], ids=lambda each: each.id
)
def test_terraform_allows_what_the_report_needs_and_no_more(answers: AnswerSet, tmp_path: Path):
    folder = answers.made(tmp_path)
    metadata = folder / "src" / f"{answers.package}-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {answers.name}\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text(f"[reporting_framework]\n{answers.name} = {answers.package}.plugin\n")
    given = [*SOURCES[answers.answers["source"]], *SINKS[answers.answers["sink"]]]
    options = [each.format(name=answers.name) for each in given]
    policy = run("reporting", "iam", answers.name, *options, *PLACE, folder=tmp_path, PYTHONPATH=str(folder / "src"))

    terraform = Terraform(folder / "terraform")
    example = (terraform.folder / "terraform.tfvars.example").read_text()
    (terraform.folder / "terraform.tfvars").write_text(example)
    (terraform.folder / "tests").mkdir()
    packages = Path(shutil.copytree(ROOT / "tests" / "packages", tmp_path / "packages"))
    manifest = json.loads((packages / "manifest.json").read_text())
    (packages / "manifest.json").write_text(json.dumps(manifest | {"report": answers.name}))
    text = TEST.replace("PACKAGES", packages.as_posix())
    text = text.replace("POLICY", json.dumps(json.loads(policy)).replace("${", "$${"))
    (terraform.folder / "tests" / "policy.tftest.hcl").write_text(text)
    terraform.init()
    assert "1 passed, 0 failed" in terraform("test", "-no-color")
