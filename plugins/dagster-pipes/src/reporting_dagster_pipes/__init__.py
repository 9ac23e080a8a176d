"""Reports of assets and checks to Dagster."""
