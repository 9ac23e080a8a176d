"""Tools for contributors: the reference of the documentation, and measures of the layout."""
