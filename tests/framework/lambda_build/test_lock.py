"""The lock: kept while it is for the same, made again otherwise."""

import pytest
from packaging.pylock import PackageWheel

from reporting_framework.errors import BuildError
from reporting_framework.lambda_build.lock import make_lock, matching_wheel, read_lock
from tests.framework.lambda_build.making import index_in, make_wheel


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder for an index; it has thing 1.0."""
    folder = tmp_path / "index"
    make_wheel(folder, "thing")
    return index_in(folder, monkeypatch)


@pytest.fixture
def lock(index, tmp_path, target):
    """A function that makes a lock after the previous one, and gives the version of thing in it."""

    def make(
        *requirements: str, identity: str = "same", local=(), upgrade=False
    ) -> str | None:
        place = tmp_path / "work"
        place.mkdir(exist_ok=True)
        made, previous = place / "pylock.toml", tmp_path / "pylock.toml"
        make_lock(
            made, previous, requirements, [identity], local, target, upgrade=upgrade
        )
        made.replace(previous)
        found = read_lock(previous).get("thing")
        return found[0].filename.split("-")[1] if found else None

    return make


def test_it_is_kept_while_the_requirements_are_the_same(lock, index, tmp_path):
    assert lock("thing") == "1.0"
    before = (tmp_path / "pylock.toml").read_bytes()
    make_wheel(index, "thing", "2.0")
    assert lock("thing") == "1.0"
    assert (tmp_path / "pylock.toml").read_bytes() == before


def test_other_requirements_keep_the_versions_that_they_allow(lock, index):
    lock("thing")
    make_wheel(index, "thing", "2.0")
    make_wheel(index, "other")
    assert lock("thing", "other", identity="other") == "1.0"
    assert lock("thing>1", identity="third") == "2.0"


def test_upgrade_forgets_it(lock, index):
    lock("thing")
    make_wheel(index, "thing", "2.0")
    assert lock("thing", upgrade=True) == "2.0"


def test_what_comes_from_this_machine_is_not_in_it(lock, tmp_path):
    wheel = make_wheel(tmp_path / "mine", "mine", requires=["thing"])
    assert lock(f"mine @ {wheel.as_uri()}", local=["mine"]) == "1.0"
    assert list(read_lock(tmp_path / "pylock.toml")) == ["thing"]


def test_a_damaged_previous_one_is_of_no_harm_with_upgrade(lock, tmp_path):
    (tmp_path / "pylock.toml").write_bytes(b"\xff")
    assert lock("thing", upgrade=True) == "1.0"


def test_no_solution_says_for_what(lock, index, target):
    make_wheel(index, "elsewhere", tag="cp312-cp312-win_amd64")
    with pytest.raises(
        BuildError,
        match=rf"^resolving for x86_64-manylinux_2_28, Python {target.python}, wheels only: uv",
    ):
        lock("elsewhere")


HEAD = (
    'lock-version = "1.0"\ncreated-by = "uv"\n[[packages]]\nname = "a"\nversion = "1"\n'
)
WHEEL = 'wheels = [{{ url = "https://index/a-{}-py3-none-any.whl", hashes = {{ {} = "0" }} }}]'


@pytest.mark.parametrize(
    "text",
    [
        "packages = [{}]",
        "packages = 1",
        "[",
        "\xff",
        HEAD + 'wheels = [{ url = "https://index/a-1-py3-none-any.whl" }]',
        HEAD + WHEEL.format("2", "sha256"),
        HEAD.replace('"a"', '"b"') + WHEEL.format("1", "sha256"),
        HEAD.replace("1.0", "2.0") + WHEEL.format("1", "sha256"),
    ],
)
def test_a_damaged_one_is_an_error(tmp_path, text):
    (tmp_path / "pylock.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(
        BuildError, match=r"^pylock.toml: damaged \(.*\); build with --upgrade$"
    ):
        read_lock(tmp_path / "pylock.toml")


@pytest.mark.parametrize(
    "source",
    [
        WHEEL.format("1", "sha512"),
        'sdist = { url = "https://index/a-1.tar.gz", hashes = { sha256 = "0" } }',
        'archive = { url = "https://index/a.zip", hashes = { sha256 = "0" } }',
    ],
)
def test_a_package_without_a_wheel_and_its_sha_256_is_an_error(tmp_path, source):
    (tmp_path / "pylock.toml").write_text(HEAD + source)
    with pytest.raises(
        BuildError,
        match="^pylock.toml: a without a wheel and its SHA-256; build with --upgrade$",
    ):
        read_lock(tmp_path / "pylock.toml")


def wheel(name: str) -> PackageWheel:
    return PackageWheel(path=name, hashes={"sha256": "0"})


PURE, NATIVE, NEWER = (
    wheel("x-1-py3-none-any.whl"),
    wheel("x-1-cp312-cp312-manylinux1_x86_64.manylinux_2_28_x86_64.whl"),
    wheel("x-1-2-cp312-cp312-manylinux_2_28_x86_64.whl"),
)


def test_which_of_several_wheels_was_taken_is_told_by_its_tags():
    assert matching_wheel("x", [PURE, NATIVE], ["py3-none-any"]) is PURE
    assert (
        matching_wheel("x", [PURE, NATIVE], ["cp312-cp312-manylinux_2_28_x86_64"])
        is NATIVE
    )
    assert (
        matching_wheel("x", [NATIVE, NEWER], ["cp312-cp312-manylinux_2_28_x86_64"])
        is NEWER
    )
    assert matching_wheel("x", [PURE], ["mistaken-none-any"]) is PURE


def test_none_of_several():
    with pytest.raises(
        BuildError,
        match="^x was unpacked from a wheel for a-b-c, which is not in the lock; build with --upgrade$",
    ):
        matching_wheel("x", [PURE, NATIVE], ["a-b-c"])
