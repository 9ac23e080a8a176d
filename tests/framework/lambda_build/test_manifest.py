"""What a build says it made."""

import base64
import hashlib
import json

import pytest

from reporting_framework.lambda_build.manifest import (
    Manifest,
    Package,
    PackagedDistribution,
    is_whole,
    read_manifest,
)

ZIP, OTHER = hashlib.sha256(b"zip").hexdigest(), hashlib.sha256(b"other").hexdigest()
MANIFEST = Manifest(
    "toy", "arm64", "3.12", "0" * 64,
    {"b.zip": Package(ZIP, 3, 10, (PackagedDistribution("thing", "1.0", "thing-1.0-py3-none-any.whl", "f" * 64),)),
     "a.zip": Package(ZIP, 3, 5, ())},
    {"sbom.json": OTHER},
    {"click": "8.2"},
)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    for name in ("a.zip", "b.zip"):
        (tmp_path / name).write_bytes(b"zip")
    (tmp_path / "sbom.json").write_bytes(b"other")
    (tmp_path / "manifest.json").write_text(MANIFEST.as_json())
    return tmp_path


def test_it_is_read_as_it_was_written_and_in_its_order(folder):
    found = read_manifest(folder / "manifest.json")
    assert found == MANIFEST
    assert list(found.packages) == ["b.zip", "a.zip"]


def test_it_has_the_hash_as_terraform_wants_it_and_the_sum_of_sizes(folder):
    document = json.loads((folder / "manifest.json").read_text())
    expected = base64.b64encode(hashlib.sha256(b"zip").digest()).decode()
    assert document["packages"]["a.zip"]["source_code_hash"] == expected
    assert document["unzipped"] == 15


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"packages": {}}', '{"packages": {"a": {}}}', "\xff"]
)
def test_a_damaged_one_is_none(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text, encoding="latin-1")
    assert read_manifest(tmp_path / "manifest.json") is None
    assert read_manifest(tmp_path / "nowhere.json") is None


def test_whole_is_when_every_file_is_what_it_says(folder):
    assert is_whole(MANIFEST, folder)
    (folder / "b.zip").write_bytes(b"zap")
    assert not is_whole(MANIFEST, folder)
    (folder / "b.zip").unlink()
    assert not is_whole(MANIFEST, folder)
