"""Source ``redcap`` and report ``redcap-report``."""
