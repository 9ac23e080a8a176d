#!/usr/bin/env bash
# A shell in the dev container.
set -euo pipefail

exec "$(dirname "$0")/exec-in-devcontainer.sh" bash --login "$@"
