"""Text that people read, such as messages and install commands; and the tuning of the garbage collector."""
