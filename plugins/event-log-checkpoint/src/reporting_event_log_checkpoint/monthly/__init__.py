"""What the page ``monthly-visits`` is made of: its numbers, and its parts.

It needs the extra `pages`.
"""
