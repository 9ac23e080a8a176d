"""Input of ``aws glue create-table`` for a report's table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reporting_framework._text.messages import one_line
from reporting_framework.query.schemas.hive import hive_columns, location_of, table_name

if TYPE_CHECKING:
    from reporting_framework.query.schemas.table import Table

LONGEST = 255
"""Maximum length of a column's comment, in characters."""

_FORMAT = "org.apache.hadoop.hive.ql.io.parquet"


def glue_table(
    table: Table, *, name: str | None = None, location: str | None = None
) -> dict[str, Any]:
    """Return a ``TableInput``. Glue takes the database as a separate argument.

    Args:
        table: The table.
        name: Its name in Glue; by default the report's, with underscores.
        location: A folder in S3 to use instead of the table's own.

    Raises:
        ReportingError: As for `hive.hive_columns`, `hive.location_of` and
            `hive.table_name`.
    """
    columns = [
        {
            "Name": column,
            "Type": kind,
            **({"Comment": one_line(comment, LONGEST)} if comment else {}),
        }
        for column, kind, comment in hive_columns(table)
    ]
    return {
        "Name": table_name(table.report, name),
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "classification": "parquet"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": columns,
            "Location": location_of(table, location),
            "InputFormat": f"{_FORMAT}.MapredParquetInputFormat",
            "OutputFormat": f"{_FORMAT}.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": f"{_FORMAT}.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
        },
    }
