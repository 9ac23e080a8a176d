"""The {{ cookiecutter.role }} {{ cookiecutter.name }}."""
