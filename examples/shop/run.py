"""Orders of a PostgreSQL database, joined with price lists: the example of this folder.

It starts a server, fills a table, runs both reports, changes the table, and runs again.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from adbc_driver_postgresql import dbapi
from postgresql import server

HERE = Path(__file__).parent
SALES = """
    SELECT year, sku, count(*) AS orders, sum(quantity) AS pieces,
        sum(quantity * list_price) AS value
    FROM orders WHERE _deleted_at IS NULL GROUP BY year, sku ORDER BY year, sku
"""

PAGE = ["--page", "table-overview", "--html", "out/orders.html"]


def execute(url: str, name: str) -> None:
    """Execute the statements of a file."""
    with dbapi.connect(url) as connection, connection.cursor() as cursor:
        for statement in (HERE / name).read_text().split(";\n"):
            if statement.strip():
                cursor.execute(statement)
        connection.commit()


def reporting(*words: str, url: str) -> None:
    """Show and run a command of the framework in this folder."""
    print(
        f"\n$ {' '.join(words[:2])} {' '.join(' '.join(words[2:]).split())}", flush=True
    )
    program = Path(sys.executable).with_name(words[0])
    done = subprocess.run(
        [program, *words[1:]],
        cwd=HERE,
        env={**os.environ, "SHOP_URL": url},
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    """Run the example; its output is in the folder ``out``."""
    shutil.rmtree(HERE / "out", ignore_errors=True)
    with server() as url:
        execute(url, "orders.sql")
        reporting("reporting-run", "prices", "--quiet", url=url)
        reporting("reporting-run", "orders", "--quiet", url=url)
        reporting("reporting", "sql", "orders", SALES, url=url)
        print("\nTwo orders change, one is new, one is deleted.")
        execute(url, "changes.sql")
        reporting("reporting-run", "orders", "--full-scan", "--quiet", url=url)
        reporting("reporting", "sql", "orders", SALES, url=url)
        reporting("reporting", "render", "orders", *PAGE, url=url)


if __name__ == "__main__":
    main()
