"""Generator of ``docs/reference``: pages from the code, the same on every machine.

Text is taken unchanged from docstrings, settings models and commands. It never depends
on a terminal's width, a folder or a release of Python. Only first-party distributions
are described, whatever else is installed.
"""
