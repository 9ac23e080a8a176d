"""Any Singer tap as the source of a report."""
