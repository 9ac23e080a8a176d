"""Validator of JSON records with a JSON Schema document."""
