#!/usr/bin/env bash
# Runs a command in the dev container, at the root of the repository: exec-in-devcontainer.sh hatch run check
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

if [ $# -eq 0 ]; then
    echo "usage: $0 COMMAND [ARGUMENT]..." >&2
    exit 2
fi
exec "$root/bin/devcontainer.sh" exec --workspace-folder "$root" "$@"
