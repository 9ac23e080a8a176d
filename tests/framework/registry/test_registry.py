"""Discovery, with distributions that are really on disk: what is usable is found, the rest is listed with its cause."""

import sys

import polars as pl
import pytest

from reporting_framework._text.messages import LINE_LIMIT
from reporting_framework.config.file import Config
from reporting_framework.errors import PluginError
from reporting_framework.registry.discovery import (
    FRAMEWORK,
    allow_list,
    installed,
    normalised,
)
from reporting_framework.registry.registry import load_plugins
from tests.framework.distributions import Site

GOOD = """
from reporting_framework import Source

class Numbers(Source):
    "Numbers from nowhere."
    name = "{name}"

    def plan(self, ledger):
        return []

    def read(self, split):
        return []

@hookimpl
def reporting_sources():
    return [Numbers]
"""


def good(name: str) -> str:
    return GOOD.format(name=name)


def row(registry, distribution, **wanted):
    """The only row of a distribution (with these values)."""
    rows = [
        each
        for each in registry.listing
        if each.distribution == distribution
        and all(getattr(each, key) == value for key, value in wanted.items())
    ]
    assert len(rows) == 1, rows
    return rows[0]


def test_the_framework_finds_what_it_brings_itself():
    registry = load_plugins([])
    assert "local" in registry.names("engine")
    assert registry.find("engine", "local").name == "local"
    assert row(registry, FRAMEWORK, role="engine", name="local").status == "registered"


def test_classes_and_lazy_stand_ins_are_found_by_role_and_name(site):
    source = (
        good("fake-numbers")
        + "\nfrom reporting_framework import Report\n\n"
        + "class Mine(Report):\n    name = 'fake-report'\n    compose = print\n"
    )
    module = site.add("fake-one", source, version="2.5")
    site.add(
        "fake-two",
        f"""
        @hookimpl
        def reporting_reports():
            return (LazyPlugin("fake-report", "{module}:Mine", "what it is"),)
        """,
    )
    registry = load_plugins()
    assert registry.find("source", "fake-numbers").__doc__ == "Numbers from nowhere."
    assert registry.find("report", "fake-report").__name__ == "Mine"
    found = row(registry, "fake-one")
    assert (found.name, found.role, found.version, found.status) == (
        "fake-numbers",
        "source",
        "2.5",
        "registered",
    )
    assert (found.summary, found.reason) == ("Numbers from nowhere.", "")
    assert row(registry, "fake-two").summary == "what it is"
    assert "fake-numbers" in registry.names("source")
    assert registry.names("report") == sorted(registry.names("report"))
    assert module in registry.packages


BROKEN = {
    "import": ("raise ValueError('one\\n two')", "ValueError: one two"),
    "missing": (
        "import no_such_module_anywhere",
        "ModuleNotFoundError: No module named 'no_such_module_anywhere'",
    ),
    "syntax": ("def", "SyntaxError: invalid syntax"),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "base": ("raise BaseException('b')", "BaseException: b"),
    "generator exit": ("raise GeneratorExit", "GeneratorExit"),
    "name": (
        "class Odd:\n    def __getattr__(self, name):\n        raise RuntimeError(name)\n\n"
        "@hookimpl\ndef reporting_sources():\n    return [Odd()]",
        "RuntimeError: name",
    ),
    "silent": ("raise RuntimeError", "RuntimeError"),
    "long": ("raise ValueError('x' * 10_000)", "ValueError: xxx"),
    "registration": (
        "@hookimpl\ndef reporting_sources():\n    raise KeyError('k')",
        "reporting_sources raised KeyError: 'k'",
    ),
    "registration exit": (
        "@hookimpl\ndef reporting_sinks():\n    raise SystemExit",
        "reporting_sinks raised SystemExit",
    ),
    "unknown_report_settings": (
        "@hookimpl\ndef reporting_sorces():\n    return []",
        "there is no hook reporting_sorces; did you mean reporting_sources",
    ),
    "arguments": (
        "@hookimpl\ndef reporting_sources(config):\n    return []",
        "PluginValidationError: Plugin",
    ),
    "wrapper": (
        "@hookimpl(wrapper=True)\ndef reporting_sources():\n    return (yield)",
        "reporting_sources may not be a wrapper: implement it as a plain function",
    ),
    "no hook": (
        "def reporting_sources():\n    return []",
        "it implements no hook: mark its functions with @hookimpl",
    ),
    "no list": (
        "@hookimpl\ndef reporting_sources():\n    return 'abc'",
        "reporting_sources returned str, not a list of classes",
    ),
    "generator": (
        "@hookimpl\ndef reporting_sources():\n    yield 1",
        "reporting_sources returned generator, not a list of classes",
    ),
    "no name": (
        "@hookimpl\ndef reporting_sources():\n    return [object]",
        "<class 'object'> whose name is None",
    ),
    "bad name": (
        "@hookimpl\ndef reporting_sources():\n    return [LazyPlugin('a b', 'c:D')]",
        "whose name is 'a b'; a name is made of letters, digits, dots, hyphens and underscores",
    ),
}


def test_an_origin_is_told_without_an_import(site):
    brings = "@hookimpl\ndef reporting_sinks():\n    return [LazyPlugin('fake-sink', 'not_there:Sink')]\n"
    site.add("fake-origin", brings, version="2.5")
    registry = load_plugins()
    assert str(registry.origin("sink", "fake-sink")) == "fake-origin 2.5"
    with pytest.raises(
        PluginError, match="^there is no sink 'fake-sing'; did you mean fake-sink"
    ):
        registry.origin("sink", "fake-sing")


@pytest.mark.parametrize(("source", "cause"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_plugin_is_listed_with_its_cause_on_one_line_and_harms_nobody(
    site, source, cause
):
    site.add("fake-broken", source, version="3", point="the-point")
    site.add("fake-good", good("fake-numbers"))
    registry = load_plugins()
    broken = row(registry, "fake-broken")
    assert (broken.name, broken.role, broken.version, broken.status) == (
        "the-point",
        "plugin",
        "3",
        "broken",
    )
    assert cause in broken.reason
    assert len(broken.reason) <= LINE_LIMIT + 60
    assert "\n" not in broken.reason
    assert registry.find("source", "fake-numbers")
    with pytest.raises(
        PluginError,
        match=r"not loaded: .*the-point of fake-broken is broken.* \(see: reporting plug",
    ):
        registry.find("source", "another")


def test_a_plugin_brings_all_or_nothing(site):
    source = (
        good("fake-numbers")
        + "\n@hookimpl\ndef reporting_engines():\n    raise ValueError('no')\n"
    )
    site.add("fake-half", source)
    registry = load_plugins()
    assert "fake-numbers" not in registry.names("source")
    assert (
        row(registry, "fake-half").reason == "reporting_engines raised ValueError: no"
    )


def test_an_optional_hook_of_another_version_is_no_error(site):
    site.add(
        "fake-newer",
        good("fake-numbers")
        + "\n@hookimpl(optionalhook=True)\ndef reporting_future():\n    pass\n",
    )
    assert row(load_plugins(), "fake-newer").status == "registered"


def test_a_hook_may_return_nothing(site):
    site.add("fake-empty", "@hookimpl\ndef reporting_sources():\n    pass\n")
    found = row(load_plugins(), "fake-empty")
    assert (found.role, found.status, found.summary) == (
        "plugin",
        "registered",
        "brings nothing",
    )


def test_a_plugin_that_only_observes_is_listed_as_an_observer(site):
    site.add(
        "fake-observer", "@hookimpl\ndef reporting_run_started(report):\n    pass\n"
    )
    found = row(load_plugins(), "fake-observer")
    assert (found.name, found.role, found.status) == (
        "fake-observer",
        "observer",
        "registered",
    )


def test_a_module_that_two_distributions_name_is_loaded_once(site):
    module = site.add("fake-first", good("fake-numbers"))
    site.add("fake-second", module=module)
    registry = load_plugins()
    assert registry.find("source", "fake-numbers")
    assert "already registered" in row(registry, "fake-second").reason


def test_damaged_metadata_keeps_nobody_from_loading(site):
    (site.folder / "fake_damaged.py").write_text("raise ValueError('never mind')")
    site.metadata(
        "fake-damaged", "[reporting_framework]\npoint = fake_damaged\n", metadata=""
    )
    (site.folder / "fake_damaged-1.0.dist-info" / "METADATA").write_bytes(b"\xff\xfe")
    site.add("fake-good", good("fake-numbers"))
    registry = load_plugins()
    assert registry.find("source", "fake-numbers")
    assert row(registry, "unknown").reason == "ValueError: never mind"


# -- the version of the plugin API ----------------------------------------------------------------------------------

ANOTHER_API = {
    "newer": (
        "2",
        "it is for plugin API version 2, and reporting-framework has version 1; upgrade reporting-framework",
    ),
    "older": (
        "0",
        "it is for plugin API version 0, and reporting-framework has version 1; upgrade fake-other",
    ),
    "much newer": (
        "10**1000",
        "000…, and reporting-framework has version 1; upgrade reporting-framework",
    ),
    "text": (
        "'1'",
        "its REPORTING_API is '1', not an int, and reporting-framework has plugin API version 1; upgrade fake-",
    ),
    "truth": (
        "True",
        "its REPORTING_API is True, not an int, and reporting-framework has plugin API version 1; upgrade",
    ),
    "none": (
        "None",
        "its REPORTING_API is None, not an int, and reporting-framework has plugin API version 1; upgrade",
    ),
    "long": (
        "'x' * 10_000",
        "xxx…, not an int, and reporting-framework has plugin API version 1; upgrade fake-other",
    ),
}


@pytest.mark.parametrize(
    ("stated", "reason"), ANOTHER_API.values(), ids=list(ANOTHER_API)
)
def test_a_plugin_for_another_version_is_listed_with_both_and_what_to_upgrade_and_harms_nobody(
    site, stated, reason
):
    site.add(
        "fake-other",
        f"REPORTING_API = {stated}\n{good('fake-other-numbers')}",
        version="3",
    )
    site.add("fake-good", good("fake-numbers"))
    registry = load_plugins()
    found = row(registry, "fake-other")
    assert (found.name, found.role, found.status) == ("fake-other", "plugin", "broken")
    assert reason in found.reason
    assert len(found.reason) <= LINE_LIMIT
    assert registry.find("source", "fake-numbers")
    with pytest.raises(
        PluginError, match="not loaded: .*fake-other of fake-other is broken"
    ):
        registry.find("source", "fake-other-numbers")


def test_a_mistyped_name_in_the_list_is_told_before_what_the_list_blocks(site):
    for number in range(6):
        site.add(f"fake-{number}", good(f"fake-{number}"))
    with pytest.raises(
        PluginError,
        match="not loaded: mistyped is in REPORTING_PLUGINS, but no such plugin is"
        " installed, ",
    ):
        load_plugins(["mistyped"]).find("source", "fake-1")


def test_the_version_is_compared_before_hooks_that_may_be_gone(site):
    site.add(
        "fake-future",
        "REPORTING_API = 2\n@hookimpl\ndef reporting_oracles():\n    return []\n",
    )
    assert row(load_plugins(), "fake-future").reason.startswith(
        "it is for plugin API version 2, "
    )


@pytest.mark.parametrize(
    "stated", ["", "REPORTING_API = 1\n"], ids=["says nothing", "says 1"]
)
def test_a_plugin_that_says_no_version_is_for_version_1(site, stated):
    site.add("fake-one", stated + good("fake-numbers"))
    assert row(load_plugins(), "fake-one").status == "registered"


def test_the_version_may_stand_on_an_object_that_the_entry_point_names(site):
    module = site.add("fake-object")
    (site.folder / f"{module}.py").write_text("class plugin:\n    REPORTING_API = 2\n")
    site.metadata(
        "fake-other", f"[reporting_framework]\nfake-other = {module}:plugin\n"
    )
    assert row(load_plugins(), "fake-other").reason.startswith(
        "it is for plugin API version 2, "
    )


def test_every_plugin_of_this_repository_says_its_version():
    stated = {
        origin.distribution: vars(point.load()).get("REPORTING_API")
        for point, origin in installed()
        if origin.distribution.startswith("reporting-")
    }
    assert len(stated) >= 5
    assert set(stated.values()) == {1}


# -- the allow-list -------------------------------------------------------------------------------------------------


def test_what_is_not_on_the_allow_list_is_blocked_and_not_imported(site):
    blocked = site.add("fake-blocked", good("fake-blocked-numbers"))
    allowed = site.add("Fake_Allowed.Plugin", good("fake-numbers"))
    registry = load_plugins(["fake-allowed--plugin"])
    assert allowed in sys.modules
    assert blocked not in sys.modules
    found = row(registry, "fake-blocked")
    assert (found.role, found.status, found.reason) == (
        "plugin",
        "blocked",
        "not in REPORTING_PLUGINS",
    )
    assert registry.find("source", "fake-numbers")
    with pytest.raises(PluginError, match="fake-blocked of fake-blocked is blocked"):
        registry.find("source", "fake-blocked-numbers")


def claim(site, folder, name, source, version="1.0"):
    """Install a distribution whose metadata says another name than its folder; its module's name."""
    module = site.add(folder, source, version=version)
    info = site.folder / f"{folder.replace('-', '_')}-{version}.dist-info"
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    return module


def test_the_framework_is_known_by_its_code_and_not_by_a_name_that_metadata_claims(
    site,
):
    module = claim(site, "fake-evil", FRAMEWORK, good("fake-evil-numbers"))
    for registry in (load_plugins([]), load_plugins([FRAMEWORK]), load_plugins()):
        assert module not in sys.modules
        assert "fake-evil-numbers" not in registry.names("source")
        assert "local" in registry.names("engine")
    assert row(registry, FRAMEWORK, name="fake-evil", status="broken").reason.endswith(
        "claims the name of the framework; uninstall what is not it"
    )


def test_a_distribution_that_claims_an_allowed_name_is_refused(site):
    module = claim(site, "fake-evil", "fake-allowed", good("fake-numbers"))
    registry = load_plugins(["fake-allowed"])
    assert module not in sys.modules
    found = row(registry, "fake-allowed")
    assert found.status == "broken"
    assert (
        "fake_evil-1.0.dist-info claims the name fake-allowed; uninstall"
        in found.reason
    )


def test_two_distributions_of_one_name_are_refused(site, tmp_path, monkeypatch):
    one = site.add("fake-allowed", good("fake-numbers"))
    monkeypatch.syspath_prepend(tmp_path)
    other = Site(tmp_path).add("fake-allowed", good("fake-numbers"), version="2.0")
    registry = load_plugins(["fake-allowed"])
    assert {one, other} & set(sys.modules) == set()
    reasons = {
        each.reason for each in registry.listing if each.distribution == "fake-allowed"
    }
    assert len(reasons) == 1
    assert str(site.folder) in str(reasons)
    assert str(tmp_path) in str(reasons)


def test_one_distribution_that_is_found_twice_is_loaded_once(
    site, tmp_path, monkeypatch
):
    module = site.add("fake-one", good("fake-numbers"))
    monkeypatch.syspath_prepend(tmp_path)
    Site(tmp_path).add("fake-one", module=module, version="1.1")
    assert row(load_plugins(), "fake-one").status == "registered"


def test_an_allowed_distribution_that_is_not_installed_is_listed():
    found = row(load_plugins(["not-there"]), "not-there")
    assert (found.status, found.reason) == (
        "broken",
        "in REPORTING_PLUGINS, but no such plugin is installed",
    )


@pytest.mark.parametrize(
    ("environment", "allowed"),
    [
        ({}, None),
        ({"REPORTING_PLUGINS": ""}, ()),
        ({"REPORTING_PLUGINS": " a , b,,"}, ("a", "b")),
    ],
)
def test_the_allow_list_is_read_from_the_environment_and_fails_closed(
    environment, allowed
):
    assert allow_list(environment) == allowed


def test_names_of_distributions_are_compared_as_pep_503_does():
    assert normalised("Reporting__Object.-Store ") == "reporting-object-store"


# -- names ----------------------------------------------------------------------------------------------------------


def test_a_name_that_two_plugins_take_is_an_error_that_names_both_and_only_for_who_selects_it(
    site,
):
    site.add("fake-first", good("fake-twice"), version="1.1")
    site.add(
        "fake-second",
        good("fake-twice")
        + "\nfrom reporting_framework import Sink\n\n"
        + "class Kept(Sink):\n    name = 'fake-twice'\n    stage = commit = print\n"
        + "\n@hookimpl\ndef reporting_sinks():\n    return [Kept]\n",
    )
    registry = load_plugins()
    with pytest.raises(
        PluginError,
        match=r"two plugins bring the source fake-twice: fake-first 1.1 and fake-second 1",
    ):
        registry.find("source", "fake-twice")
    assert registry.find("sink", "fake-twice")
    assert row(registry, "fake-first").reason == "fake-second 1.0 has the same name"
    assert row(registry, "fake-second", role="source").status == "broken"
    assert row(registry, "fake-second", role="sink").status == "registered"


def test_an_unknown_name_gets_the_nearest_ones(site):
    site.add("fake-one", good("fake-numbers"))
    with pytest.raises(
        PluginError,
        match="there is no source 'fake-nubmers'; did you mean fake-numbers",
    ) as caught:
        load_plugins().find("source", "fake-nubmers")
    known = str(caught.value).partition("known: ")[2]
    assert "fake-numbers" in known.split(", ")


def test_a_page_of_the_manual_names_the_package_that_brings_it():
    for name, package in (
        ("table-overview", "reporting-pages"),
        ("monthly-visits", r"reporting-event-log-checkpoint\[pages\]"),
    ):
        with pytest.raises(
            PluginError, match=f"{name}'; the package {package} brings it"
        ):
            load_plugins([]).find("page", name)
    with pytest.raises(PluginError) as caught:
        load_plugins([]).find("sink", "table-overview")
    assert "brings" not in str(caught.value)


def test_an_unknown_name_is_shown_bounded_and_without_line_breaks():
    with pytest.raises(PluginError) as caught:
        load_plugins([]).find("source", "x\n" * 1000)
    assert len(str(caught.value)) < 400


LAZY = {
    "module": (
        "no_such_module:Thing",
        "ModuleNotFoundError: No module named 'no_such_module'",
    ),
    "class": ("json:Thing", "AttributeError: module 'json' has no attribute 'Thing'"),
    "name": (
        "json:JSONDecoder",
        "is registered as lazy, but json:JSONDecoder has another name",
    ),
}


@pytest.mark.parametrize(("target", "cause"), LAZY.values(), ids=list(LAZY))
def test_a_stand_in_that_cannot_be_imported_names_its_plugin_and_the_cause(
    site, target, cause
):
    site.add(
        "fake-lazy",
        f"@hookimpl\ndef reporting_sinks():\n    return [LazyPlugin('lazy', '{target}')]\n",
        version="4",
    )
    registry = load_plugins()
    assert row(registry, "fake-lazy").summary == ""
    with pytest.raises(PluginError, match="the sink lazy of fake-lazy 4 ") as caught:
        registry.find("sink", "lazy")
    assert cause in str(caught.value)


def test_a_report_in_a_file_stands_beside_those_of_plugins(site):
    site.add("fake-one", good("fake").replace("reporting_sources", "reporting_reports"))
    registry = load_plugins()
    registry.add_reports(Config(tables={"fake": {}, "mine": {"summary": "my own"}}))
    assert registry.find("report", "mine").summary == "my own"
    found = row(registry, "reporting.toml", name="mine")
    assert (found.role, found.status, found.summary) == (
        "report",
        "registered",
        "my own",
    )
    with pytest.raises(
        PluginError,
        match=r"two plugins bring the report fake: fake-one 1\.0 and reporting\.toml;",
    ):
        registry.find("report", "fake")


# -- commands -------------------------------------------------------------------------------------------------------


def test_commands_of_plugins_are_found_and_bad_ones_are_left_out_and_listed(site):
    commands = """
    import click

    @hookimpl
    def reporting_commands():
        return [click.Command(name) for name in {names}]
    """
    site.add("fake-a", commands.format(names=["mine", "run"]))
    site.add("fake-b", commands.format(names=["mine"]))
    site.add(
        "fake-c", "@hookimpl\ndef reporting_commands():\n    raise ValueError('no')\n"
    )
    site.add("fake-d", "@hookimpl\ndef reporting_commands():\n    return [3]\n")
    registry = load_plugins()
    found = {command.name for command in registry.commands(taken=["run"])}
    assert "mine" in found
    assert "run" not in found
    reasons = {
        (each.distribution, each.name): each.reason
        for each in registry.listing
        if each.role == "command"
    }
    assert reasons["fake-a", "run"] == "there is a command run already"
    assert sorted([reasons["fake-a", "mine"], reasons["fake-b", "mine"]]) == [
        "",
        "there is a command mine already",
    ]
    assert reasons["fake-c", "fake-c"] == "ValueError: no"
    assert (
        reasons["fake-d", "fake-d"]
        == "reporting_commands returned 3, which is not a click command"
    )
    assert [each.status for each in registry.listing if each.name == "fake-c"] == [
        "broken"
    ]


def test_asking_twice_for_commands_lists_them_once(site):
    site.add(
        "fake-a",
        "import click\n@hookimpl\ndef reporting_commands():\n    return [click.Command('mine')]\n",
    )
    registry = load_plugins()
    registry.commands()
    registry.commands()
    assert row(registry, "fake-a").role == "command"


def test_an_observer_may_bring_a_command_too():
    from click import Command

    from reporting_framework.plugin_api.markers import hookimpl

    class Mine:
        @hookimpl
        def reporting_commands(self):
            return [Command("mine")]

    registry = load_plugins([])
    registry.register(Mine(), "mine")
    assert [command.name for command in registry.commands()] == ["mine"]


def test_damaged_metadata_of_a_distribution_that_is_no_plugin_hides_none(site):
    site.metadata("fake-stranger", "[console_scripts]\noops\n")
    site.add("fake-good", good("fake-numbers"))
    assert row(load_plugins(), "fake-good").status == "registered"


def test_a_plugin_that_was_refused_observes_nothing(site):
    site.add(
        "fake-refused",
        "class Odd:\n    def __getattr__(self, name):\n        raise RuntimeError(name)\n\n"
        "@hookimpl\ndef reporting_sources():\n    return [Odd()]\n\n"
        "@hookimpl\ndef reporting_run_started():\n    raise AssertionError('it was called')",
    )
    registry = load_plugins()
    assert row(registry, "fake-refused").status == "broken"
    registry.lifecycle().run_started(
        report="r", run_id="1", inputs=[], steps=[], schema=pl.Schema()
    )
    assert not registry.lifecycle()._failed


def test_a_summary_that_raises_is_told_in_its_place(site):
    site.add(
        "fake-odd",
        "class Meta(type):\n    @property\n    def summary(cls):\n        raise ValueError\n\n"
        "class Odd(metaclass=Meta):\n    name = 'odd'\n\n@hookimpl\ndef reporting_sources():\n    return [Odd]",
    )
    assert row(load_plugins(), "fake-odd").summary == "(its summary raised ValueError)"


def test_what_is_no_click_command_is_listed_as_broken(site):
    site.add(
        "fake-command",
        "class Like:\n    name = 'like'\n    def make_context(self): ...\n\n"
        "@hookimpl\ndef reporting_commands():\n    return [Like()]",
    )
    registry = load_plugins()
    assert "like" not in [each.name for each in registry.commands()]
    assert "which is not a click command" in row(registry, "fake-command").reason
