"""Text that people read: messages, tracebacks; and the tuning of the garbage collector."""
