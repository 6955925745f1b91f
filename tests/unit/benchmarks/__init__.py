"""Benchmarks, as small as they go: that they run, and what they promise of themselves."""
