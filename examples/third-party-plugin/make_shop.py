"""Puts three more orders into `shop.db`, which is made if need be."""

import sqlite3
from contextlib import closing

ORDERS = [
    ("cup", 2.5, "2024-01-01T10:00:00Z"),
    ("jug", 9.0, "2024-01-02T10:00:00Z"),
    ("lid", -1, "2024-01-03T10:00:00Z"),
]

with closing(sqlite3.connect("shop.db")) as database, database:
    now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
    columns = "id INTEGER PRIMARY KEY, item TEXT, price REAL, placed_at TEXT"
    updated_at = f"updated_at TEXT DEFAULT ({now})"
    database.execute(f"CREATE TABLE IF NOT EXISTS orders ({columns}, {updated_at})")
    database.execute(
        "CREATE INDEX IF NOT EXISTS orders_updated_at ON orders (updated_at, id)"
    )
    database.executemany(
        "INSERT INTO orders (item, price, placed_at) VALUES (?, ?, ?)", ORDERS
    )
