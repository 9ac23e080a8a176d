"""The command line: ``reporting`` and ``reporting-run``.

One file for each command; light to import.
"""
