"""The algorithms of the trainer; ``registry.algorithm_named`` is the way in."""
