"""Queries on the checkpoint, for visits and their events.

The queries work on any lazy frame with the checkpoint's columns, for example
``Counts(Counts.Settings(by=["study"])).run(pl.scan_parquet("out/events.parquet")).collect()``.

A *visit* is identified by study, pipeline_adcid, project_label, ptid, visit_date,
visit_number, datatype and module. A null is a value like any other: two events without
visit_number that agree in all other columns belong to one visit. Events are ordered by
(timestamp, source_key), with keys compared by their bytes. All rows of the frame count;
rows that filters removed are not considered.
"""
