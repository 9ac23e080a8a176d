"""Tests of everything in the workspace; `tests.support` is what they stand on."""
