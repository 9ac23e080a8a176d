"""CSV files checked by floe and written as parquet files: FOLDER OUT.

floe has no decimals, and a unique key of one column only.
"""

import json
import sys
from pathlib import Path

import floe  # type: ignore[import-not-found]  # only in the environment of the peers

TYPES = {
    "sku": "string",
    "price": "number",
    "day": "date",
    "number": "number",
    "note": "string",
}


def main(folder: str, out: str) -> None:
    """Check types, nulls and the key `number`; print how many rows were accepted."""
    columns = [
        {"name": name, "type": kind, "nullable": False, "unique": name == "number"}
        for name, kind in TYPES.items()
    ]
    entity = {
        "name": "prices",
        "source": {"format": "csv", "path": folder, "options": {"separator": ","}},
        "sink": {
            "accepted": {"format": "parquet", "path": f"{out}/accepted"},
            "rejected": {"format": "csv", "path": f"{out}/rejected"},
        },
        "policy": {"severity": "reject"},
        "schema": {"columns": columns},
    }
    config = {"version": "0.1", "report": {"path": f"{out}/report"}}
    path = Path(out) / "floe.yml"  # JSON is YAML
    path.write_text(json.dumps({**config, "entities": [entity]}))
    results = floe.run(str(path)).to_dict()["summary"]["results"]
    print(json.dumps({"rows": results["accepted_total"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
