"""Checks of prose: words, links, code blocks and the shape of pages.

``hatch run prose`` prints the measures and fails on a fault. Its environment
has neither the packages nor their dependencies, only codespell.
"""
