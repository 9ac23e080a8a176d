"""Names of tables and columns that are words of SQL."""

import pytest

from reporting_framework.errors import SettingsError
from reporting_framework.query.sql.statement import plan_statement

COLUMNS = [("at", "INTEGER"), ("order", "INTEGER"), ("price", "INTEGER")]
HINT = "if a word of SQL is meant as a name, quote it: "


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("FROM at", '"at"'),
        ("SELECT é.price FROM at AS é", '"at"'),
        ("SELECT * FROM at WHERE price = 1", '"at"'),
        ("SELECT order FROM prices", '"order"'),
        ("SELECT ORDER, price FROM prices", '"order"'),
    ],
)
def test_a_word_of_sql_is_to_be_quoted(sql, named):
    with pytest.raises(SettingsError, match="syntax error") as raised:
        plan_statement(sql, ["prices", "at"], COLUMNS)
    assert str(raised.value).split("; ")[-1].startswith(HINT + named)


def test_another_mistake_has_no_such_hint():
    with pytest.raises(SettingsError, match="syntax error") as raised:
        plan_statement("SELECT price FROM prices wher 1", ["prices"], COLUMNS)
    assert HINT not in str(raised.value)
