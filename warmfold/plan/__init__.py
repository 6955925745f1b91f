"""Which way to search: time and cost of each, modelled for a model's data, and a recommendation."""
