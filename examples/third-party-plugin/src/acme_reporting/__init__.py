"""An example of a plugin from outside.

It has a source of SQLite tables, and a webhook that is told of runs.
"""
