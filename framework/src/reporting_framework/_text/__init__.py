"""Text for people, such as messages and install commands.

The package also tunes the garbage collector.
"""
