"""Pipeline step: the best trial over all tuning jobs of an execution."""
