"""Packages for AWS Lambda, in three zip files.

They hold what is installed and what it needs, resolved for the target.

Imported by ``reporting build`` alone; what the extra ``build`` brings is imported
nowhere else.
"""
