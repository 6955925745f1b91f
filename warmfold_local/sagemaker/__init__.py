"""SageMaker's control plane: one module per kind of resource, joined by ``protocol``."""
