#!/usr/bin/env bash
# The Dev Container CLI: the one that is installed, or this version of it from npm.
set -euo pipefail

if command -v devcontainer > /dev/null; then
    exec devcontainer "$@"
fi
if ! command -v npx > /dev/null; then
    echo "neither devcontainer nor npx is on PATH: install Node.js 20 or later, or the Dev Container CLI" >&2
    exit 1
fi
exec npx --yes @devcontainers/cli@0.89.0 "$@"
