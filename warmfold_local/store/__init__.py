"""What survives a restart: the SageMaker and scaling tables, and ministack's state, in one file."""
