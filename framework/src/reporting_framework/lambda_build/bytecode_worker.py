"""Compiler of modules, run as a program by the target's interpreter.

It needs only the standard library.

It reads from stdin a JSON list of ``[source, compiled, shown]`` and prints a JSON list
of the sources that are not Python of this version. The compiled files are marked as
never to compare with a source (PEP 552, "unchecked hash"), so that Python uses them
whatever time an unpacker gives them. One process compiles all in one order, so that the
same sources always give the same bytes.
"""

import json
import os
import py_compile
import sys
import warnings


def main() -> None:
    """Compile the files that stdin lists."""
    warnings.simplefilter("ignore")  # warnings about other people's code
    failed = []
    for source, compiled, shown in json.load(sys.stdin):
        os.makedirs(os.path.dirname(compiled), exist_ok=True)
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        try:
            py_compile.compile(
                source, compiled, shown, doraise=True, invalidation_mode=mode
            )
        except (py_compile.PyCompileError, ValueError, UnicodeDecodeError):
            failed.append(source)
    json.dump(failed, sys.stdout)


if __name__ == "__main__":
    main()
