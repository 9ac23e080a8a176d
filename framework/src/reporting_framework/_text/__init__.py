"""Text that people read, such as messages and install commands.

And the tuning of the garbage collector.
"""
