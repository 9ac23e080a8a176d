"""The rows that the files in `foreign` hold; see `foreign/make.py`."""

from datetime import date

from tests.plugins.object_store.tables import START

FOREIGN = [
    ("a", "x", 1, 1, 0.5, True, date(2024, 1, 1), START, "a.json"),
    ("b", None, None, 2, None, False, None, START.replace(minute=1), "b.json"),
    ("a", "é", 3, 3, 1.0, True, date(2024, 1, 3), START.replace(minute=2), "c.json"),
]
