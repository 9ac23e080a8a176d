"""URLs of databases: dialects, what is shown, what is refused."""

import pytest

from reporting_framework import SettingsError
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
