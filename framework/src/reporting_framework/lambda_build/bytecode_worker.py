"""Compiles modules for the interpreter that runs this file as a program.

It needs nothing but the standard library.

Reads from stdin a JSON list of ``[source, compiled, shown]``; prints a JSON list of the
sources that are not Python of this version. The compiled files say that they are never
to be compared with a source (PEP 552, "unchecked hash"), so that they are used whatever
time an unpacker gives them. In one process and in one order, so that the same sources
always give the same bytes.
"""

import json
import os
import py_compile
import sys
import warnings


def main() -> None:
    """Compile what stdin lists."""
    warnings.simplefilter("ignore")  # what a compiler has to say about others' code
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
