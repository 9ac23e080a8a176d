"""URLs of databases: dialects, what is shown, what is refused."""

import pytest
from pydantic import ValidationError

from reporting_framework import SettingsError
from reporting_framework.config.error_messages import to_settings_error
from reporting_sql.source import SqlTable
from reporting_sql.table_sink import SqlTableSink
from reporting_sql.urls import parse_url


@pytest.mark.parametrize(
    ("url", "dialect", "shown", "name"),
    [
        ("sqlite:///shop.db", "sqlite", "sqlite:///shop.db", "shop"),
        ("sqlite:////data/a%20b.db", "sqlite", "sqlite:////data/a%20b.db", "a b"),
        (
            "postgresql://u:p%40ss@db.example:5433/shop?sslmode=require",
            "postgresql",
            "postgresql://db.example:5433/shop",
            "shop",
        ),
        ("postgres://u@/shop?host=/run", "postgresql", "postgresql:///shop", "shop"),
        ("mysql://u:p@[::1]/shop", "mysql", "mysql://[::1]/shop", "shop"),
        ("mariadb://u:p@db/shop", "mysql", "mysql://db/shop", "shop"),
    ],
)
def test_a_url_is_shown_without_user_and_query(url, dialect, shown, name):
    parsed = parse_url(url)
    assert (parsed.dialect, parsed.shown, parsed.name) == (dialect, shown, name)
    assert "p%40ss" not in repr(parsed)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("shop.db", "url: not the URL of a known database; use postgresql://HOST"),
        ("oracle://u:geheim@h/x", "url: not the URL of a known database; use"),
        ("postgresql+psycopg://u:geheim@h/x", "names a driver; use postgresql://"),
        (
            "postgresql://u:ge/heim@h/x",
            "url: host or port cannot be understood; percent",
        ),
        ("postgresql://h/x/geheim", "the path holds more than the name of a database"),
        ("sqlite://shop.db", "sqlite:// takes no host; use sqlite:///FILE"),
        ("sqlite:///", "sqlite:// takes no host"),
        ("sqlite:///:memory:", "a database in memory ends with its connection"),
        (
            "sqlite:///x.db?mode=heim",
            "url: unknown option mode in the URL; there are none",
        ),
        ("mysql://u:1?geheim@h/x", "url: what follows ? is no option; percent-encode"),
        ("mysql://u:1?geheim=1@h/x", "url: what follows ? is no option"),
        (
            "mysql://h/x?ssl=heim",
            "url: unknown option ssl in the URL; there are ssl_ca, ssl_cert, ssl_key,"
            " unix_socket",
        ),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_showing_it(url, message):
    with pytest.raises(SettingsError) as raised:
        parse_url(url)
    assert message in str(raised.value)
    assert "heim" not in str(raised.value)


@pytest.mark.parametrize("plugin", [SqlTable, SqlTableSink])
@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://shop.db", "url: sqlite:// takes no host; use sqlite:///FILE"),
        ("mysql://u:geheim@h/x/y", "url: the path holds more than the name of"),
    ],
)
def test_settings_say_what_is_wrong_with_a_url(plugin, url, message):
    with pytest.raises(ValidationError) as raised:
        plugin.Settings(url=url, table="t")
    shown = str(to_settings_error("x", plugin.Settings, raised.value))
    assert shown.startswith(f"x: {message}")
    assert "heim" not in shown
