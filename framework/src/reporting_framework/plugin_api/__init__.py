"""The interfaces, records and hooks that a plugin author uses; light to import."""
