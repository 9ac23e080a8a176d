"""Operations on a report, one module per management command."""
