"""Plugin for REST APIs: the source `rest-api`, and an HTTP client in `http`."""
