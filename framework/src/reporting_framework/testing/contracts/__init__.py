"""The promises of each role, as suites that a plugin's tests inherit."""
