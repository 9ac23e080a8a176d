"""Base of the suites of all roles: plugin, settings, and promises of every plugin."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn

import pytest

from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.base import Plugin, supports
from reporting_framework.plugin_api.report import PluginRef
from reporting_framework.testing.faults.calls import Faults

CANARY = "canary-5d1f"
"""Text to put into values of records. The suites search for it in all places that must
not hold values of records.
"""

UNPROMISED = "not promised: "
"""Prefix of the reason of a test that counts as ``unpromised``."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class PluginContract:
    """Promises of every plugin; do not inherit from it directly.

    Required:
        plugin: Class attribute: the plugin's class.
        settings: Fixture: input of the plugin's `Settings` model, a mapping as in
            ``reporting.toml``. It is called once for each test, and must lead to a
            place of that test's own (``tmp_path``).

    Optional:
        faults: Fixture: object that makes the n-th I/O call of the plugin fail
            (`Faults`). Without it, tests of faults are skipped. Use
            `reporting_store_faults` for plugins on `reporting_framework.storage`,
            `reporting_s3_faults` for plugins on S3, and `CallFaults` for functions of
            your own.

    Declarations:
        bounded: Class attribute: False for a plugin whose memory grows with a run, and
            whose documentation says so.
        strict: Class attribute: True: a skipped test is a failure. A test of a promise
            that the plugin does not make is not skipped: it counts as ``unpromised``.

    Provided:
        make: Fixture: function that builds a new plugin from `settings`; its arguments
            replace settings.
    """

    plugin: ClassVar[Any]
    bounded: ClassVar[bool] = True
    strict: ClassVar[bool] = False

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        """Return the input of the plugin's `Settings` model."""
        self._lacks("settings", "a mapping that the plugin's Settings model takes")

    @pytest.fixture
    def faults(self) -> Faults | None:
        """Return an object that breaks the plugin's I/O, or `None`."""
        return None

    @pytest.fixture
    def make(self, settings: Mapping[str, Any]) -> Callable[..., Any]:
        """Return a function that builds the plugin."""
        return lambda **changed: self._made({**settings, **changed})

    def _made(self, settings: Mapping[str, Any]) -> Any:
        return self.plugin(self.plugin.Settings.model_validate(dict(settings)))

    @pytest.fixture
    def output(
        self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> Callable[[], Mapping[str, str]]:
        """Return a function that returns all log lines and printed text, by place.

        The plugin's own loggers log all levels.
        """
        for package in {
            self.plugin.__module__.partition(".")[0],
            "reporting_framework",
        }:
            caplog.set_level(logging.DEBUG, logger=package)

        def read() -> Mapping[str, str]:
            out, err = capfd.readouterr()
            return {"the log": caplog.text, "stdout": out, "stderr": err}

        return read

    def test_it_has_a_name_a_settings_model_and_a_constructor(
        self, make: Callable[..., Any]
    ) -> None:
        """Check that it is a `Plugin`."""
        plugin, name = make(), getattr(self.plugin, "name", None)
        assert isinstance(plugin, Plugin), (
            "a plugin has a name, a model Settings and a constructor that takes one"
        )
        assert isinstance(name, str), "the name that users select it by is a text"
        assert _NAME.fullmatch(name), (
            f"a name is of letters, digits, '.', '_' and '-': {name!r}"
        )

    def test_settings_refuse_what_they_do_not_know(
        self, settings: Mapping[str, Any]
    ) -> None:
        """Check ``extra="forbid"``; the error names the setting without its value."""
        from reporting_framework.execution.plugin_building import settings_of

        message = ""
        try:
            settings_of(
                "r",
                "plugin",
                PluginRef("p", {**settings, "no_such_setting": CANARY}),
                self.plugin,
            )
        except SettingsError as error:
            message = str(error)
        assert message, (
            "settings refuse what they do not know: `no_such_setting` was accepted"
        )
        assert "no_such_setting" in message, "the error names the unknown setting"
        assert_no_value_shown({"the error of an unknown setting": message})

    def test_permissions_are_as_few_as_can_be(
        self, settings: Mapping[str, Any]
    ) -> None:
        """Check that permissions are minimal.

        `Plugin.aws_permissions` needs only settings, and names actions without
        wildcards.
        """
        if not supports(self.plugin, "aws_permissions"):
            not_promised("it says nothing of permissions")
        plugin: Any = self.plugin
        model = plugin.Settings.model_validate(dict(settings))
        once, again = (
            list(plugin.aws_permissions(model)),
            list(plugin.aws_permissions(model)),
        )
        assert once == again, "permissions follow from the settings alone"
        wide = [
            action
            for permission in once
            for action in permission.actions
            if "*" in action
        ]
        assert not wide, f"a permission names its actions, without wildcards: {wide}"

    def _lacks(self, fixture: str, what: str) -> NoReturn:
        pytest.fail(
            f"{type(self).__name__}: the fixture `{fixture}` must be given: {what}",
            pytrace=False,
        )

    def _faults(self, faults: Faults | None) -> Faults:
        if faults is None:
            pytest.skip("nothing breaks its I/O: give the fixture `faults`")
        return faults

    def _bounded(self) -> None:
        if not self.bounded:
            not_promised("its memory grows with a run, as it says")


def not_promised(reason: str) -> NoReturn:
    """End the test of a promise that the plugin does not make.

    Such a test counts as ``unpromised``, not as skipped.
    """
    pytest.skip(f"{UNPROMISED}{reason}")


def assert_no_value_shown(places: Mapping[str, Any]) -> None:
    """Fail if a text or a representation holds a value of a record (`CANARY`)."""
    for where, thing in places.items():
        shows_canary = CANARY in str(thing) or CANARY in repr(thing)
        assert not shows_canary, f"no value of a record is ever shown: {where} has one"


def differing(actual: Iterable[str], due: Iterable[str], what: str) -> str:
    """Describe missing and unexpected items in a few words."""
    actual, due = set(actual), set(due)
    return f"{what}: missing {few(due - actual)}, too many {few(actual - due)}"


def few(names: Iterable[str]) -> str:
    """Return some of the names, and their number, as text."""
    listed: Sequence[str] = sorted(names)
    return (
        f"{len(listed)} ({', '.join(listed[:3])}{', …' if len(listed) > 3 else ''})"
        if listed
        else "none"
    )


def threads_since(
    before: Iterable[threading.Thread], seconds: float = 5.0
) -> list[str]:
    """Return new threads that do not end within some seconds."""
    until, known = time.monotonic() + seconds, set(before)
    while left := [
        thread.name for thread in threading.enumerate() if thread not in known
    ]:
        if time.monotonic() > until:
            break
        time.sleep(0.01)
    return left
