"""The report {{ cookiecutter.name }}."""
