"""Settings from all their places: which one wins, what is refused, and messages that say where to look."""

import enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from reporting_framework.config.error_messages import to_settings_error
from reporting_framework.config.file import Config, find_config, read_config
from reporting_framework.config.layers import variable
from reporting_framework.config.resolve import resolve_settings, unknown_report_settings
from reporting_framework.config.secrets import SecretText, ShownError
from reporting_framework.errors import MESSAGE_LIMIT, PluginError, SettingsError
from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.registry.registry import load_plugins
from reporting_framework.registry.reports import compose_report, resolve_report


class Shade(enum.Enum):
    """A choice."""

    LIGHT = "light"
    DARK = "dark"


class Login(BaseModel):
    """A table with a secret."""

    model_config = ConfigDict(extra="forbid")

    user: str = "me"
    password: SecretStr = SecretStr("")


def even(number: int) -> int:
    """A validator of an author's own, whose message holds the value."""
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


class Example(Settings):
    """Settings of every kind."""

    environment: ClassVar[dict[str, str]] = {
        "source": "SOURCE",
        "bucket": "SOURCE_BUCKET",
        "tags": "TAGS",
    }
    alternatives: ClassVar[dict[str, tuple[str, ...]]] = {
        "source": ("bucket", "prefix")
    }

    source: str
    bucket: str | None = None
    prefix: str = ""
    days: int = Field(35, ge=0)
    pair: Annotated[int, AfterValidator(even)] = 0
    tags: tuple[str, ...] = ()
    shade: Shade = Shade.LIGHT
    mode: Literal["ignore", "keep"] = "ignore"
    either: int | bool = 0
    token: SecretStr | None = None
    login: Login = Login()
    note: str = ""
    limits: dict[str, int] = Field({})
    limit: int = 5

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, data: Any) -> Any:
        if isinstance(data, dict) and "bucket" in data and "source" not in data:
            return {**data, "source": f"s3://{data['bucket']}/{data.get('prefix', '')}"}
        return data

    @model_validator(mode="after")
    def _sensible(self) -> "Example":
        if self.days == 13:
            raise ValueError("days may not be 13 when it is Friday")
        return self


def resolve(**layers: Any) -> Any:
    file = layers.pop("file", {})
    return resolve_settings(
        "ex-ample", Example, config=Config(settings={"ex-ample": file}), **layers
    )


def refused(**layers: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        resolve(**layers)
    message = str(caught.value)
    assert len(message) <= MESSAGE_LIMIT
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert message.startswith("ex-ample: ")
    return message


# -- who wins -------------------------------------------------------------------------------------------------------

VALUES = {
    "days": st.integers(0, 12),
    "prefix": st.text("abc/é -", max_size=5),
    "mode": st.sampled_from(["ignore", "keep"]),
    "tags": st.lists(st.text("abc", min_size=1, max_size=3), max_size=3),
}
LAYER = st.fixed_dictionaries({}, optional=VALUES)
NAMES = ["file", "environment", "trigger", "options", "sets"]


def arguments(layers: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The layers in the form in which each place gives them."""
    import json

    def text(value: Any) -> str:
        return json.dumps(value) if isinstance(value, list) else str(value)

    return {
        "file": layers["file"],
        "environment": {
            variable("ex-ample", (name,)): text(value)
            for name, value in layers["environment"].items()
        },
        "trigger": layers["trigger"],
        "options": {
            name: tuple(value) if isinstance(value, list) else str(value)
            for name, value in layers["options"].items()
        },
        "sets": [
            f"{name}={json.dumps(value, ensure_ascii=False)}"
            for name, value in layers["sets"].items()
        ],
    }


@given(st.fixed_dictionaries(dict.fromkeys(NAMES, LAYER)))
def test_the_highest_layer_that_says_something_wins_for_each_setting_by_itself(layers):
    given_ = {
        name: {key: each for key, each in layer.items() if key != "prefix"}
        for name, layer in layers.items()
    }
    settings = resolve(
        **arguments({**given_, "file": {**given_["file"], "source": "s"}})
    )
    for name in ("days", "mode", "tags"):
        said = [given_[place][name] for place in NAMES if name in given_[place]]
        wanted = said[-1] if said else Example.model_fields[name].default
        assert getattr(settings, name) == (
            tuple(wanted) if isinstance(wanted, list) else wanted
        )


SIDES = st.sampled_from([None, "source", "bucket", "prefix", "bucket and prefix"])


@given(
    st.fixed_dictionaries(
        dict.fromkeys(("file", "environment", "trigger", "options"), SIDES)
    )
)
def test_a_layer_that_takes_one_side_of_an_alternative_drops_the_other_side_below_it(
    sides,
):
    given_: dict[str, dict[str, Any]] = {name: {} for name in NAMES}
    known: dict[str, str] = {}
    for place in ("file", "environment", "trigger", "options"):
        side = sides[place]
        given_[place] = (
            {name: f"{place}-{name}" for name in side.split(" and ")} if side else {}
        )
        if side == "source":
            known = {}
        elif side:
            known.pop("source", None)
        known |= given_[place]
    if not known.keys() & {"source", "bucket"}:
        assert "setting source is missing" in refused(**arguments(given_))
        return
    settings = resolve(**arguments(given_))
    wanted = known.get("source") or f"s3://{known['bucket']}/{known.get('prefix', '')}"
    assert settings.source == wanted
    assert settings.bucket == known.get("bucket")


@given(
    st.sampled_from(["file", "environment", "trigger", "options", "sets"]),
    st.sampled_from(["bucket", "prefix"]),
)
def test_both_sides_in_one_layer_are_refused_with_both_names_and_the_layer(place, part):
    layers: dict[str, dict[str, Any]] = {name: {} for name in NAMES} | {
        place: {"source": "s", part: "p"}
    }
    message = refused(**arguments(layers))
    where = {
        "file": "under [settings.ex-ample] in reporting.toml",
        "environment": "in the environment",
        "trigger": "in the trigger",
    }.get(place, "on the command line")
    assert f" and {part} (" in message
    assert f"are both set {where}; they are alternatives: remove one of them" in message
    assert "source (" in message


def test_set_comes_after_the_options():
    assert resolve(options={"source": "a", "days": "1"}, sets=["days=2"]).days == 2


def test_a_reports_own_variable_wins_over_the_published_one():
    environment = {
        "SOURCE": "published",
        "REPORTING_EX_AMPLE__SOURCE": "own",
        "TAGS": "a,b",
        "OTHER": "x",
    }
    settings = resolve(environment=environment)
    assert (settings.source, settings.tags) == ("own", ("a", "b"))


def test_tables_are_merged_name_by_name():
    settings = resolve(
        file={
            "source": "s",
            "login": {"user": "file", "password": "file"},
            "limits": {"a": 1, "b": 2},
        },
        environment={
            "REPORTING_EX_AMPLE__LOGIN__PASSWORD": "env",
            "REPORTING_EX_AMPLE__LIMITS": '{"b": 3}',
        },
        sets=["limits.c=4"],
    )
    assert settings.login.user == "file"
    assert settings.login.password.get_secret_value() == "env"
    assert settings.limits == {"a": 1, "b": 3, "c": 4}


def test_all_of_a_dropped_side_is_forgotten():
    class Nested(Settings):
        alternatives: ClassVar[dict[str, tuple[str, ...]]] = {"login": ("user",)}

        login: Login = Login()
        user: str = ""

    config = Config(settings={"n": {"login": {"password": "p"}}})
    environment = {"REPORTING_N__LOGIN__USER": "me"}
    settings = resolve_settings(
        "n", Nested, config=config, environment=environment, options={"user": "you"}
    )
    assert (settings.user, settings.login.user) == ("you", "me")
    with pytest.raises(
        SettingsError,
        match=r"login \(--set login\) and user \(option --user\) are both set on the comma",
    ):
        resolve_settings("n", Nested, options={"user": "you"}, sets=["login={}"])


def test_a_value_replaces_a_table_and_a_table_a_value():
    settings = resolve(
        file={"source": "s", "limits": {"a": 1}, "note": "x"},
        environment={"REPORTING_EX_AMPLE__LIMITS__B": "2"},
        options={"days": "1"},
        sets=["tags=[]", "tags=['a','b']", "tags.0=c"],
    )
    assert (settings.limits, settings.tags) == ({"a": 1, "b": 2}, ("c", "b"))
    assert (
        "limits (--set limits): a table is expected, as in { name = … }; found 3"
        in refused(file={"source": "s", "limits": {"a": 1}}, sets=["limits=3"])
    )


def test_what_was_given_is_not_changed():
    file = {"source": "s", "limits": {"a": 1}}
    resolve(file=file, sets=["limits.a=2"])
    assert file == {"source": "s", "limits": {"a": 1}}


def test_defaults_are_enough_where_nothing_is_required():
    class Free(Settings):
        days: int = 3

    assert resolve_settings("free", Free).days == 3


# -- what is refused ------------------------------------------------------------------------------------------------


def test_a_missing_setting_names_every_place_that_was_looked_in():
    assert refused() == (
        "ex-ample: setting source is missing; looked for option --source, environment variable SOURCE or "
        "REPORTING_EX_AMPLE__SOURCE, source under [settings.ex-ample] in reporting.toml, source in the trigger; "
        "or set bucket and prefix instead"
    )


def test_a_missing_setting_without_an_option_of_its_own_names_set():
    class Odd(Settings):
        format: str
        login: Login

    with pytest.raises(
        SettingsError,
        match=r"setting format is missing; looked for option --set format=\.\.\.",
    ) as bad:
        resolve_settings("odd", Odd)
    assert str(bad.value).endswith("(and 1 more problem: login)")
    with pytest.raises(
        SettingsError,
        match=r"setting login is missing; looked for option --set login=\.\.\.",
    ):
        resolve_settings("odd", Odd, options={"format": "x"})


def test_an_unknown_setting_says_where_it_stands_and_suggests_the_nearest():
    message = refused(file={"source": "s", "dayz": 1})
    assert (
        "there is no setting dayz ([settings.ex-ample] in reporting.toml); did you mean days"
        in message
    )
    assert "settings: source, bucket, prefix, days" in message


def test_an_unknown_setting_comes_before_the_missing_one_that_it_may_be():
    message = refused(environment={"REPORTING_EX_AMPLE__SORCE": "s"})
    assert (
        "there is no setting sorce (environment variable REPORTING_EX_AMPLE__SORCE); did you mean source"
        in message
    )
    assert message.endswith("(and 1 more problem: source)")


def test_an_unknown_setting_in_a_table_is_compared_with_its_neighbours():
    message = refused(trigger={"source": "s"}, sets=["login.usr=a"])
    assert message == (
        "ex-ample: there is no setting login.usr (--set login.usr); did you mean user?; settings: user, password"
    )


WRONG = {
    "number": (
        {"options": {"days": "many"}},
        "days (option --days): Input should be a valid integer, unable to parse string as an integer; found 'many'",
    ),
    "range": (
        {"environment": {"REPORTING_EX_AMPLE__DAYS": "-1"}},
        "days (environment variable REPORTING_EX_AMPLE__DAYS): Input should be greater than or equal to 0; found '-1'",
    ),
    "own": ({"sets": ["pair=3"]}, "pair (--set pair): 3 is odd; found 3"),
    "choice": (
        {"file": {"mode": "kepe"}},
        "mode ([settings.ex-ample] in reporting.toml): Input should be 'ignore' or",
    ),
    "enumeration": (
        {"trigger": {"shade": "x"}},
        "shade (the trigger): Input should be 'light' or 'dark'; found 'x'",
    ),
    "union": (
        {"trigger": {"either": "x"}},
        "either (the trigger): Input should be a valid integer",
    ),
    "text": (
        {"trigger": {"note": 5}},
        "note (the trigger): Input should be a valid string; found 5",
    ),
    "table": (
        {"trigger": {"note": {"a": "x"}}},
        "note (the trigger): Input should be a valid string; found a tab",
    ),
    "list": (
        {"trigger": {"note": ["x"]}},
        "note (the trigger): Input should be a valid string; found a list",
    ),
    "item": (
        {"trigger": {"tags": ["a", 1]}},
        "tags.1 (the trigger): Input should be a valid string; found 1",
    ),
    "entry": (
        {"trigger": {"limits": {"a": "x"}}},
        "limits.a (the trigger): Input should be a valid integer",
    ),
    "together": (
        {"trigger": {"days": 13}},
        "the settings together: days may not be 13 when it is Friday",
    ),
    "json": (
        {"environment": {"TAGS": "[1"}},
        "tags (environment variable TAGS) begins like JSON but is not valid: Expecting ',' delimiter",
    ),
    "deep json": (
        {"environment": {"TAGS": "[" * 100_000}},
        "tags (environment variable TAGS) begins like JSON but is not valid: RecursionError",
    ),
    "no =": (
        {"sets": ["days"]},
        "--set takes PATH=VALUE, as in --set sinks.0.uri=s3://bucket/key; found 'days' and no",
    ),
    "no path": (
        {"sets": ["=5"]},
        "--set takes PATH=VALUE, as in --set sinks.0.uri=s3://bucket/key; found '' before th",
    ),
    "gap": ({"sets": ["a..b=5"]}, "found 'a..b' before the ="),
    "single": (
        {"sets": ["source.deep=5"]},
        "source (--set source.deep) is a single value: it has no deep",
    ),
    "position": (
        {"file": {"tags": ["a"]}, "sets": ["tags.1=b"]},
        "there is no tags.1 (--set tags.1): the list has 1 items, counted from 0",
    ),
    "no position": (
        {"file": {"tags": ["a"]}, "sets": ["tags.x=b"]},
        "there is no tags.x (--set tags.x): the list has",
    ),
    "deep position": (
        {"file": {"tags": ["a"]}, "sets": ["tags.9.x=b"]},
        "there is no tags.9.x (--set tags.9.x)",
    ),
}


@pytest.mark.parametrize(("layers", "message"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_value_says_where_it_comes_from_what_was_found_and_what_is_allowed(
    layers, message
):
    layers = {**layers, "options": {"source": "s", **layers.get("options", {})}}
    assert message in refused(**layers)


def test_a_wrong_default_is_called_that():
    class Odd(Settings):
        days: int = "x"  # type: ignore[assignment]

    with pytest.raises(
        SettingsError,
        match=r"^odd: days \(its default\): Input should be a valid integer",
    ):
        resolve_settings("odd", Odd)


def test_a_check_of_an_author_s_own_that_a_wrong_type_crashes_is_a_settings_error():
    class Hasty(Settings):
        bucket: str = "b"

        @model_validator(mode="before")
        @classmethod
        def _plain(cls, data: Any) -> Any:
            return {**data, "bucket": data["bucket"].strip()}

    with pytest.raises(SettingsError) as caught:
        resolve_settings("hasty", Hasty, trigger={"bucket": 5})
    assert str(caught.value) == (
        "hasty: checking the settings raised AttributeError; give each setting a value of its type"
    )
    assert caught.value.of_trigger is None, "nothing says whose value it was"


def test_an_item_of_a_list_that_is_a_table_can_be_set_alone():
    class Many(Settings):
        logins: list[Login]

    config = Config(settings={"m": {"logins": [{"user": "a"}, {"user": "b"}]}})
    settings = resolve_settings("m", Many, config=config, sets=["logins.1.user=c"])
    assert [login.user for login in settings.logins] == ["a", "c"]


def test_a_value_is_shown_bounded_and_without_credentials():
    assert "found 's3://host/x'" in refused(
        options={"source": "s", "days": "s3://me:SECRET-VALUE@host/x"}
    )
    assert len(refused(options={"source": "s", "days": "x" * 5000})) < 250


@given(st.text("xyzXYZ0123456789", min_size=12, max_size=40), st.data())
def test_the_value_of_a_secret_is_never_shown(secret, data):
    secret = f"S-{secret}"
    wrong: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"trigger": {"token": [secret]}},
                {"trigger": {"token": {"a": secret}}},
                {"trigger": {"login": secret}},
                {"trigger": {"login": [secret]}},
                {"file": {"login": {"password": [secret]}}},
                {"file": {"login": {"password": {secret: 1}}}},
                {"environment": {"REPORTING_EX_AMPLE__LOGIN": "{" + secret}},
                {"sets": [f"login={secret}"]},
                {"sets": [f"token.deep={secret}"]},
                {"sets": [f"nothing={secret}"]},
                {"sets": [f"login.password.0={secret}"]},
                {"options": {"token": secret, "days": "x"}},
                {"options": {"token": secret}, "trigger": {"days": 13}},
            ]
        )
    )
    wrong = {**wrong, "environment": {**wrong.get("environment", {}), "SOURCE": "s"}}
    assert secret not in refused(**wrong)


def test_a_secret_says_that_its_value_is_not_shown():
    message = refused(trigger={"source": "s", "token": 5})
    assert (
        message
        == "ex-ample: token (the trigger): not allowed (string_type); the value is not shown"
    )


def test_settings_of_a_plugin_are_explained_without_places():
    for values, message in (
        ({}, "sink x: setting source is missing"),
        (
            {"source": "s", "dayz": 1},
            "sink x: there is no setting dayz; did you mean days?; settings: source",
        ),
        ({"source": "s", "days": "x"}, "sink x: days: Input should be a valid integer"),
    ):
        with pytest.raises(ValidationError) as caught:
            Example.model_validate(values)
        assert str(to_settings_error("sink x", Example, caught.value)).startswith(
            message
        )


# -- the file -------------------------------------------------------------------------------------------------------


def test_the_file_is_the_one_asked_for_else_the_one_in_the_folder(tmp_path):
    here, there, other = (
        tmp_path / "reporting.toml",
        tmp_path / "there.toml",
        tmp_path / "other.toml",
    )
    assert find_config(None, {}, tmp_path) is None
    for path in (here, there, other):
        path.write_text("")
    assert find_config(None, {}, tmp_path) == here
    assert find_config(None, {"REPORTING_CONFIG": str(there)}, tmp_path) == there
    assert find_config(str(other), {"REPORTING_CONFIG": str(there)}, tmp_path) == other


def test_the_working_directory_is_where_the_file_is_looked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(None, {}) is None
    (tmp_path / "reporting.toml").write_text("")
    assert find_config(None, {}) == Path("reporting.toml")


def test_a_file_that_was_asked_for_must_be_there(tmp_path):
    with pytest.raises(
        SettingsError,
        match=r"^--config names nowhere\.toml, which is not a file; correct the path$",
    ):
        find_config("nowhere.toml", {}, tmp_path)
    with pytest.raises(
        SettingsError,
        match=r"^REPORTING_CONFIG names nowhere\.toml, which is not a file; correct the path$",
    ):
        find_config(None, {"REPORTING_CONFIG": "nowhere.toml"}, tmp_path)


DAMAGED = {
    "toml": (b"[settings\n", r"is not TOML: .*\(at line 1, column 10\)"),
    "twice": (
        b"[settings.a]\n[settings.a]\n",
        r"is not TOML: .*\(at line 2, column 12\)",
    ),
    "bytes": (b"a = '\xff'", "is not UTF-8 text: byte 5"),
    "deep": (b"a = " + b"[" * 100_000, "cannot be read: nested too deep"),
    "table": (
        b"[report.x]\n",
        "there is no table report; did you mean reports\\?; tables: settings, reports, observers",
    ),
    "settings": (
        b"settings = 3\n",
        r"settings must hold one table for each report, as in \[settings.<report>\]",
    ),
    "reports": (
        b"[reports]\nx = 3\n",
        r"reports must hold one table for each report, as in \[reports.<report>\]",
    ),
    "both": (
        b"[settings.x]\n[reports.x]\n",
        r"\[settings.x\] and \[reports.x\] both exist; move the settings into \[reports.x\]",
    ),
    "no tables": (
        b"reports = 3\n[settings.x]\n",
        r"reports must hold one table for each report, as in \[reports.<report>\]",
    ),
    "slash": (
        b'[reports."a/b"]\n',
        r'\[reports."a/b"\]: a report.s name is not blank, and holds no slash',
    ),
    "no name": (
        b'[reports.""]\n',
        r'\[reports.""\]: a report.s name is not blank, and holds no slash',
    ),
}


@pytest.mark.parametrize(("content", "message"), DAMAGED.values(), ids=list(DAMAGED))
def test_a_damaged_file_is_refused_with_the_place(tmp_path, content, message):
    path = tmp_path / "reporting.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        read_config(path)
    assert str(caught.value).startswith(str(path))


def test_a_byte_order_mark_is_no_part_of_a_configuration(tmp_path):
    path = tmp_path / "reporting.toml"
    path.write_bytes(b"\xef\xbb\xbf[settings.a]\nb = 1\n")
    assert read_config(path).settings == {"a": {"b": 1}}


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read: Is a directory"):
        read_config(tmp_path)


def test_no_file_is_an_empty_configuration():
    assert read_config(None) == Config()
    assert read_config(None).name == "reporting.toml"


def test_the_file_sets_a_report(tmp_path):
    path = tmp_path / "other.toml"
    path.write_text('[settings.ex-ample]\nsource = "s"\ndays = "x"\n')
    with pytest.raises(
        SettingsError,
        match=r"^ex-ample: days \(\[settings.ex-ample\] in .*other.toml\): Input",
    ):
        resolve_settings("ex-ample", Example, config=read_config(path))


# -- reports composed in the file -----------------------------------------------------------------------------------

VISITS = """
[reports.visits]
summary    = "visits of all centers"
source     = { use = "object-store-json", uri = "s3://events/prod/" }
validator  = { use = "pydantic", model = "my_package.models:Visit" }
transforms = [{ use = "exclude-projects", patterns = ["sandbox-*"] }]
sinks      = [{ use = "parquet-checkpoint", uri = "s3://checkpoints/visits.parquet", options = { level = 3 } }]
page       = "table-overview"
"""


@pytest.fixture
def visits(tmp_path: Path) -> Config:
    """A configuration file that composes a report."""
    path = tmp_path / "reporting.toml"
    path.write_text(VISITS)
    return read_config(path)


def test_a_report_is_composed_in_the_file(visits):
    assert visits.reports == {
        "visits": PipelineSpec(
            source=PluginRef("object-store-json", {"uri": "s3://events/prod/"}),
            validator=PluginRef("pydantic", {"model": "my_package.models:Visit"}),
            transforms=[PluginRef("exclude-projects", {"patterns": ["sandbox-*"]})],
            sinks=[
                PluginRef(
                    "parquet-checkpoint",
                    {"uri": "s3://checkpoints/visits.parquet", "options": {"level": 3}},
                ),
            ],
            engine=PluginRef("local"),
        )
    }
    assert visits.composed["visits"].summary == "visits of all centers"
    assert visits.composed["visits"].page == "table-overview"


def test_every_place_can_set_a_part_of_a_composed_report(visits):
    registry = load_plugins([])
    registry.add_reports(visits)
    composition = compose_report(
        "visits",
        registry,
        visits,
        environment={
            "REPORTING_VISITS__SOURCE__URI": "from-environment",
            "REPORTING_VISITS__SOURCE__PARALLELISM": "8",
            "REPORTING_VISITS__SINKS__0__OPTIONS__LEVEL": "4",
            "REPORTING_VISITS__ENGINE__USE": "other",
        },
        trigger={"source": {"uri": "from-trigger"}},
        sets=["sinks.0.uri=from-set", "transforms=[]", 'validator={use="v2"}'],
    )
    assert composition == PipelineSpec(
        source=PluginRef(
            "object-store-json", {"uri": "from-trigger", "parallelism": "8"}
        ),
        validator=PluginRef("v2", {"model": "my_package.models:Visit"}),
        transforms=[],
        sinks=[
            PluginRef(
                "parquet-checkpoint", {"uri": "from-set", "options": {"level": "4"}}
            )
        ],
        engine=PluginRef("other"),
    )


COMPOSED = {
    "unknown": ("source.usee=1", None),
    "sink": (
        'sinks={use="a"}',
        "visits: sinks (--set sinks): a list is expected, as in [ … ]; found a table",
    ),
    "no sinks": (
        "sinks=[]",
        "visits: sinks (--set sinks): Tuple should have at least 1 item after validation, not 0",
    ),
    "use": (
        'sinks=[{uri="x"}]',
        "visits: setting sinks.0.use is missing; looked for option --set sinks.0.use=..., env",
    ),
    "text": (
        "validator=local",
        "visits: validator (--set validator): a table is expected, as in { name = … }; f",
    ),
    "part": (
        "sink.uri=x",
        "visits: there is no setting sink (--set sink.uri); did you mean sinks?; settings: summary,",
    ),
    "position": (
        "sinks.1.uri=x",
        "visits: there is no sinks.1.uri (--set sinks.1.uri): the list has 1 items",
    ),
}


@pytest.mark.parametrize(("text", "message"), COMPOSED.values(), ids=list(COMPOSED))
def test_a_composed_report_is_checked_before_it_is_made(visits, text, message):
    registry = load_plugins([])
    registry.add_reports(visits)
    if message is None:
        made = compose_report("visits", registry, visits, environment={}, sets=[text])
        assert (
            made.source.settings["usee"] == 1
        )  # a plugin's own settings are for the plugin to check
        return
    with pytest.raises(SettingsError) as caught:
        compose_report("visits", registry, visits, environment={}, sets=[text])
    assert str(caught.value).startswith(message)


def test_a_damaged_report_in_the_file_harms_only_itself(tmp_path):
    path = tmp_path / "reporting.toml"
    path.write_text(VISITS + "[reports.bad]\nsource = 3\n")
    config = read_config(path)
    registry = load_plugins([])
    registry.add_reports(config)
    assert (
        compose_report("visits", registry, config, environment={}).source.name
        == "object-store-json"
    )
    with pytest.raises(
        SettingsError,
        match=r"^bad: setting validator is missing; .* under \[reports.bad\] in .*toml",
    ):
        compose_report("bad", registry, config, environment={})


# -- from a name to a composition -----------------------------------------------------------------------------------


def test_the_report_of_a_plugin_is_composed_from_its_settings(toy):
    registry = load_plugins()
    made = compose_report(
        "toy",
        registry,
        Config(),
        environment={"TOY_TARGET": "x"},
        options={"count": "3"},
    )
    assert made.sinks[0].settings["uri"] == "x"
    assert made.source.settings["count"] == 3
    assert resolve_report("toy", registry).summary == "numbers into a file"


def test_what_a_report_raises_while_it_composes_is_wrapped_without_its_message(toy):
    with pytest.raises(
        PluginError, match=r"^report toy: its compose raised RuntimeError$"
    ) as caught:
        compose_report(
            "toy",
            load_plugins(),
            Config(),
            environment={"TOY_TARGET": "x"},
            sets=["fine.level=13"],
        )
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_an_error_of_the_frameworks_own_passes(toy):
    with pytest.raises(SettingsError, match=r"^toy: setting target is missing"):
        compose_report("toy", load_plugins(), Config(), environment={})
    with pytest.raises(
        SettingsError, match=r"^toy: level 14 needs a target on a boat$"
    ):
        compose_report(
            "toy",
            load_plugins(),
            Config(),
            environment={"TOY_TARGET": "x"},
            sets=["fine.level=14"],
        )
    with pytest.raises(PluginError, match="there is no report 'tyo'; did you mean toy"):
        compose_report("tyo", load_plugins(), Config(), environment={})


def test_a_number_that_is_too_long_is_told(tmp_path):
    (tmp_path / "reporting.toml").write_text(f"[settings.x]\nn = {'1' * 5000}\n")
    with pytest.raises(
        SettingsError, match="reporting.toml holds a number that is too long"
    ):
        read_config(tmp_path / "reporting.toml")


def test_settings_of_a_report_whose_name_is_nearly_right_are_told():
    config = Config(settings={"visits": {}, "vists": {}, "elsewhere": {}})
    environment = {
        "REPORTING_VISIST__SOURCE": "x",
        "REPORTING_VISITS__SOURCE": "x",
        "REPORTING_CONFIG": "x",
        "X__Y": "",
    }
    assert unknown_report_settings(config, environment, ["visits"]) == [
        "[settings.vists] in reporting.toml: no such report; did you mean visits?",
        "environment variable REPORTING_VISIST__SOURCE: no such report; did you mean REPORTING_VISITS?",
    ]


def test_one_error_is_reported_once():
    assert refused(trigger={"source": "s", "either": "x"}).count("either") == 1, (
        "each member of a union has its own"
    )
    assert refused(trigger={"source": "s", "either": "x", "days": "y"}).endswith(
        "(and 1 more problem: either)"
    )


class Guarded(Settings):
    """Settings with validators of their own, one of them of a secret."""

    token: SecretText
    rules: dict[str, Any] = Field(default_factory=dict)
    days: tuple[int, ...] = ()

    @field_validator("token")
    @classmethod
    def _long(cls, token: SecretText) -> SecretText:
        value = token.get_secret_value()
        if len(value) < 9:
            raise ShownError("give at least 9 characters")
        if " " in value:
            raise ValueError(f"{value} has a space")
        return token

    @field_validator("rules", "days")
    @classmethod
    def _few(cls, value: Any) -> Any:
        if len(value) > 1:
            raise ValueError("give one")
        return value


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"token": "geheim"}, "token: give at least 9 characters"),
        ({"token": "geheim geheim"}, "token: not allowed (value_error); the value is"),
        ({"token": "secret:x:geheim"}, "token: not a valid reference to a secret; use"),
        ({"token": "long-enough", "days": 5}, "days: a list is expected"),
    ],
)
def test_only_a_message_that_holds_no_value_is_shown_for_a_secret(given, message):
    with pytest.raises(ValidationError) as caught:
        Guarded.model_validate(given)
    shown = str(to_settings_error("x", Guarded, caught.value))
    assert shown.startswith(f"x: {message}")
    assert "geheim" not in shown


@pytest.mark.parametrize("wrong", [{"rules": {"a": 1, "b": 2}}, {"days": [1, 2]}])
def test_a_message_about_a_part_of_a_table_or_a_list_says_nothing_of_the_whole(wrong):
    with pytest.raises(ValidationError) as caught:
        Guarded.model_validate({"token": "long-enough", **wrong})
    (name,) = wrong
    shown = str(to_settings_error("x", Guarded, caught.value))
    assert shown == f"x: {name}: give one"
