"""Checks of a configuration before anything runs; nothing is opened or looked up."""

from __future__ import annotations

from reporting_framework.operations.lint.lint import Linted, lint
from reporting_framework.operations.lint.problem import Problem

__all__ = ["Linted", "Problem", "lint"]
