"""The {{ cookiecutter.__words }} {{ cookiecutter.name }}."""
