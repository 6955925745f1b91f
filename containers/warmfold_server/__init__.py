"""The serving container: one verified model behind SageMaker's HTTP contract."""
