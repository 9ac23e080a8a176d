"""Engine for Apache Spark."""
