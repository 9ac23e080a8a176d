"""Artifacts beside a checkpoint: in one step, where no table is looked for, and where the policy allows it."""

from fnmatch import fnmatchcase

import pytest

from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from tests.support.plugins import checkpoint, metadata


def put(sink, data=b"<p>"):
    return metadata(sink).put_artifact(
        "reports", "2024-01.html", data, content_type="text/html; charset=utf-8"
    )


@pytest.mark.parametrize(
    ("template", "place"),
    [
        ("visits.parquet", "_reports/visits/2024-01.html"),
        ("{study}/{datatype}.parquet", "_reports/{study}/{datatype}/2024-01.html"),
    ],
)
def test_a_file_has_a_place_of_its_own_beside_the_checkpoint(tmp_path, template, place):
    sink = checkpoint(f"{tmp_path}/out/{template}")
    assert put(sink).endswith(f"/out/{place}")
    put(sink, b"<p>again")
    assert (tmp_path / "out" / place).read_bytes() == b"<p>again"
    assert [
        str(path.relative_to(tmp_path / "out"))
        for path in tmp_path.rglob("*")
        if path.is_file()
    ] == [place]
    assert sink.layout.pattern.fullmatch(place) is None


def test_in_a_bucket_it_is_a_page_that_browsers_know(s3_environment, bucket):
    uri = put(checkpoint(f"s3://{bucket}/out/visits.parquet"))
    found = s3_environment.client().get_object(
        Bucket=bucket, Key="out/_reports/visits/2024-01.html"
    )
    assert uri == f"s3://{bucket}/out/_reports/visits/2024-01.html"
    assert (found["ContentType"], found["Body"].read()) == (
        "text/html; charset=utf-8",
        b"<p>",
    )


def test_the_policy_of_the_checkpoint_covers_it():
    settings = ParquetCheckpoint.Settings(uri="s3://bucket/out/visits.parquet")
    allowed = [
        each.resource
        for each in ParquetCheckpoint.aws_permissions(settings)
        if "s3:PutObject" in each.actions
    ]
    assert any(
        fnmatchcase("arn:aws:s3:::bucket/out/_reports/visits/2024-01.html", pattern)
        for pattern in allowed
    )
