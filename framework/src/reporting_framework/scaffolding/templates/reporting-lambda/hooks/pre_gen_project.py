"""The first of what `reporting new` checks, for those who use cookiecutter alone. Nothing of the framework is needed."""

import keyword
import re
import sys

name = "{{ cookiecutter.name }}"
schedule = "{{ cookiecutter.schedule }}"

if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 32:
    sys.exit(f"{name!r} is no name: 1 to 32 lower-case letters, digits and single hyphens, a letter first")
beside = ("conftest", "example", "src", "terraform", "test", "tests")
if keyword.iskeyword(name) or name in sys.stdlib_module_names or name.startswith("reporting-") or name in beside:
    sys.exit(f"{name!r} is taken: it is a word or a module of Python, or a name of the framework")
if schedule != "none" and not re.fullmatch(r"rate\([1-9][0-9]* [a-z]+\)|cron\([A-Z0-9*?,/#-]+( [A-Z0-9*?,/#-]+){5}\)", schedule):
    sys.exit(f"{schedule!r} is no schedule: write rate(1 hour), cron(0 6 * * ? *) or none")
