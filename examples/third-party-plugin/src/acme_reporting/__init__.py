"""An example of a plugin from outside: a source of SQLite tables, and a webhook that is told of runs."""
