"""AWS plugins of the reporting framework: streams, queues and DynamoDB tables."""
