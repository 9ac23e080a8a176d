"""The programs that ours is compared with.

Each runs as `python -m benchmarks.peers.NAME`.
"""
