"""Generator of new packages from templates: reports for AWS Lambda, and plugins."""
