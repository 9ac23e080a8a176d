"""Scripts of `fault_tap`, and the report that reads it."""

import json
import sys
from pathlib import Path

import polars as pl

TAP = Path(__file__).with_name("fault_tap.py")
SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "integer"}, "note": {"type": ["null", "string"]}},
}


def schema(stream="orders", key=("id",), **properties):
    described = {**SCHEMA, "properties": {**SCHEMA["properties"], **properties}}
    return {
        "type": "SCHEMA",
        "stream": stream,
        "schema": described,
        "key_properties": list(key),
    }


def record(number, note="-", stream="orders", **more):
    values = {"id": number, "note": note, **more.pop("values", {})}
    return {"type": "RECORD", "stream": stream, "record": values, **more}


def state(step):
    """The state after so many steps: the tap continues there."""
    return {"type": "STATE", "value": {"step": step}}


def do(what, value=None):
    return {"do": what, "value": value}


class Script:
    """The script of a tap, and a report with an upserted table of each stream."""

    def __init__(self, folder):
        self.folder = folder
        self.configure()

    def configure(self, mode="upsert", sink="", **settings):
        if "pip_url" not in settings:
            settings.setdefault("command", [sys.executable, "-S", "-E", str(TAP), "."])
        settings.setdefault("stop_timeout", 1)
        source = ", ".join(f"{name} = {toml(each)}" for name, each in settings.items())
        self.folder.joinpath("reporting.toml").write_text(
            "[reports.tap]\n"
            f'source = {{ use = "singer", {source} }}\n'
            'validator = { use = "frame" }\n'
            'sinks = [{ use = "parquet-checkpoint", uri = "out/{stream}.parquet",'
            f' mode = "{mode}"{sink} }}]\n'
        )

    def set(self, *steps, discovered=None):
        streams = [
            {
                "tap_stream_id": each["stream"],
                "schema": each["schema"],
                "key_properties": each["key_properties"],
            }
            for each in discovered or [schema()]
        ]
        self.folder.joinpath("script.json").write_text(
            json.dumps({"catalog": {"streams": streams}, "steps": steps})
        )

    def table(self, stream="orders"):
        frame = pl.read_parquet(f"out/{stream}.parquet")
        if "_deleted_at" in frame.columns:
            frame = frame.filter(pl.col("_deleted_at").is_null())
        return frame

    def rows(self, stream="orders"):
        frame = self.table(stream)
        return sorted(frame.select("id", "note").rows())

    def seen(self, option):
        return json.loads(self.folder.joinpath(f"seen{option}").read_text())


def toml(value):
    if isinstance(value, dict):
        items = (f"{json.dumps(name)} = {toml(each)}" for name, each in value.items())
        return f"{{ {', '.join(items)} }}"
    return json.dumps(value)
