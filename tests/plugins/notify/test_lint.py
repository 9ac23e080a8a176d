"""`reporting lint` finds mistakes in the table of the observer, before the first failure does."""

from reporting_framework.operations.lint import lint
from reporting_framework.registry.registry import load_plugins

TABLE = """
[observers.notify]
urls = ["secret:env:WEBHOOK"]
max_rejction_rate = 0.1
max_age = "soon"

[observers.notify.reports.orders]
on = ["failures"]
"""


def test_each_mistake_is_found_at_its_line(tmp_path):
    path = tmp_path / "reporting.toml"
    path.write_text(TABLE)
    problems = lint(path, load_plugins(), {}).problems
    assert [(each.line, each.message.partition(";")[0]) for each in problems] == [
        (3, "observer notify: urls.0: environment variable WEBHOOK is not set"),
        (4, "observer notify: there is no setting max_rejction_rate"),
        (
            5,
            "observer notify: max_age: give a number and a unit: s, m, h, d or w, as in 36h",
        ),
        (
            8,
            "observer notify: reports.orders.on.0: Input should be 'failure', 'checks',"
            " 'rejections', 'staleness' or 'schema'",
        ),
    ]


def test_a_right_table_has_no_problem(tmp_path):
    path = tmp_path / "reporting.toml"
    path.write_text('[observers.notify]\nurls = ["secret:env:WEBHOOK"]\n')
    assert lint(path, load_plugins(), {"WEBHOOK": "json://h"}).problems == []
