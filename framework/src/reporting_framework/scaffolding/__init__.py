"""New packages from templates: reports for AWS Lambda, and plugins."""
