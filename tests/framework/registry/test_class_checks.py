"""What is registered for a role has its base class, and no misspelt method."""

import pytest

from reporting_framework import PluginError, Sink, Source
from reporting_framework.registry.class_checks import check_class


class Orders(Source):
    name = "orders"

    def plan(self, ledger):
        return []

    def read(self, split):
        return []


def test_a_class_with_the_base_class_of_its_role_is_taken():
    check_class(Orders, "source", "the source orders")


@pytest.mark.parametrize("thing", [object, Sink, Orders({})])
def test_anything_else_is_refused(thing):
    with pytest.raises(
        PluginError, match=r"is not a subclass of reporting_framework\.S"
    ):
        check_class(thing, "source", "the source orders")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("plan_replays", "plan_replay"),
        ("source_uri", "source_uris"),
        ("health_check", "health_checks"),
        ("describe_hint", "describe_hints"),
        ("aws_permission", "aws_permissions"),
    ],
)
def test_a_misspelt_method_is_refused_with_the_name_that_is_meant(name, meant):
    method = classmethod(print) if name == "aws_permission" else print
    odd = type("Odd", (Orders,), {name: method})
    said = f"the source orders has a method {name}, which nobody calls; did you mean {meant}"
    with pytest.raises(PluginError, match=said):
        check_class(odd, "source", "the source orders")


def test_a_method_of_another_purpose_is_taken():
    check_class(type("Own", (Orders,), {"pages": lambda self: None}), "source", "x")


class Unfinished(Source):
    name = "unfinished"

    def plan(self, ledger):
        return []


def test_a_method_that_every_source_must_have_is_named():
    said = "the source orders lacks read, which every source must have; see reporting_framework.Source"
    with pytest.raises(PluginError, match=said):
        check_class(Unfinished, "source", "the source orders")


def test_a_misspelt_one_that_every_source_must_have_is_named_with_the_one_meant():
    odd = type("Odd", (Unfinished,), {"reads": print})
    with pytest.raises(PluginError, match="has a method reads, .* did you mean read"):
        check_class(odd, "source", "the source orders")
