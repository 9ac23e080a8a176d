"""Tools for contributors.

They make the reference of the documentation, and measures of the layout.
"""
