"""Checks of a run's rows and of the table: settings, rows and verdicts."""
