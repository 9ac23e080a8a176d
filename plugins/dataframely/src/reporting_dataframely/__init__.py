"""Validator of frames with a dataframely schema."""
