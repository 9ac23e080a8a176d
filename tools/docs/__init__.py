"""What writes ``docs/reference``: pages made of the code, the same on every machine.

Text is taken from docstrings, settings models and commands as they are, never from what
a terminal's width, a folder or a release of Python makes of them. Only first-party
distributions are described, whatever else is installed.
"""
