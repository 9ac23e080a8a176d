"""Streams, queues and tables of AWS, for the reporting framework."""
