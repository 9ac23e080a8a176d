"""A report's settings: from five places to one validated model."""
