"""The module `spark-job`, applied to an AWS on loopback.

Only for Glue: moto has an application of EMR Serverless in a state in which the provider does not expect a new one, and
ministack has none.
"""

import boto3
import pytest

from tests.support.terraform import changes, emulated

OPTIONS = [
    "-input=false",
    "-no-color",
    "-var=name=visits",
    "-var=artifact_bucket=spark-artifacts",
    '-var=options=["--source", "s3://events/"]',
]


@pytest.mark.slow
def test_a_job_in_glue_has_its_files_and_can_be_destroyed(
    terraform_folder, aws, provider
):
    keys = {"aws_access_key_id": "t", "aws_secret_access_key": "t"}
    options = {"endpoint_url": aws.endpoint, "region_name": "us-east-1", **keys}
    s3, glue = (boto3.client(name, **options) for name in ("s3", "glue"))
    files = terraform_folder / "tests" / "glue-job"
    given = [*OPTIONS, f"-var=packages_dir={files}"]
    s3.create_bucket(Bucket="spark-artifacts")
    terraform = emulated(terraform_folder / "modules" / "spark-job", aws, provider)
    terraform("apply", "-auto-approve", *given)
    job = glue.get_job(JobName="visits")["Job"]
    arguments = job["DefaultArguments"]
    assert arguments["--report-options"] == "'--source' 's3://events/'"
    uris = [arguments["--python-virtual-env"], job["Command"]["ScriptLocation"]]
    for uri, name in zip(uris, ("environment.tar.gz", "job.py"), strict=True):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        assert content == (files / name).read_bytes()
    left = changes(terraform.plan(*given[2:]))
    assert left in ({}, {"aws_glue_job.this[0]": "update (execution_class)"})
    terraform("destroy", "-auto-approve", *given)
    assert glue.get_jobs()["Jobs"] == []
    assert "Contents" not in s3.list_objects_v2(Bucket="spark-artifacts")
