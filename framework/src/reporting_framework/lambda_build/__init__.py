"""Builder of packages for AWS Lambda, as three zip files.

They hold installed distributions and their dependencies, resolved for the target.

Only ``reporting build`` imports this package, and only this package imports the
distributions of the extra ``build``.
"""
