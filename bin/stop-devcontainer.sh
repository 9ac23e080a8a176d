#!/usr/bin/env bash
# Stops the dev container of this repository; `--remove` removes it, too. The CLI has no command for that.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

case "${1:-}" in
    "") remove= ;;
    --remove) remove=1 ;;
    *)
        echo "usage: $0 [--remove]" >&2
        exit 2
        ;;
esac
containers=$(docker ps --all --quiet --filter "label=devcontainer.local_folder=$root")
if [ -z "$containers" ]; then
    echo "there is no dev container of $root" >&2
    exit 0
fi
for container in $containers; do
    docker stop "$container" > /dev/null
    [ -z "$remove" ] || docker rm "$container" > /dev/null
done
