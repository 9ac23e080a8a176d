"""What makes the documentation; the pages themselves are read as they are."""
