#!/usr/bin/env bash
# Builds and starts the dev container of this repository; `--remove-existing-container` makes it afresh.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

exec "$root/bin/devcontainer.sh" up --workspace-folder "$root" "$@"
