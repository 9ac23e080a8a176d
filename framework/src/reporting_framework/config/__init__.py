"""Settings of a report: five sources, resolved to one validated model."""
