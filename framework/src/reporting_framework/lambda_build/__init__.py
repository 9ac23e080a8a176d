"""Packages for AWS Lambda: what is installed and what it needs, resolved for the target, in three zip files.

Imported by ``reporting build`` alone; what the extra ``build`` brings is imported nowhere else.
"""
