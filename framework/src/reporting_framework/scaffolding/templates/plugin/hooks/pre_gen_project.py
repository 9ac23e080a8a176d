"""What `reporting new` has checked already, for those who use cookiecutter alone. No name of the framework is needed."""

import keyword
import re
import sys

name = "{{ cookiecutter.name }}"

if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > 32:
    sys.exit(f"{name!r} is no name: 1 to 32 lower-case letters, digits and single hyphens, a letter first")
if keyword.iskeyword(name) or name in sys.stdlib_module_names or name.startswith("reporting-") or name == "tests":
    sys.exit(f"{name!r} is taken: it is a word or a module of Python, or a name of the framework")
