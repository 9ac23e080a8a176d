"""``hatch run prose``: print the measures of prose; fail on a fault."""

from tools.prose.checks import main

main()
