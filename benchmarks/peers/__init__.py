"""The programs that ours is compared with; each runs as `python -m benchmarks.peers.NAME`."""
