"""Stacks: they choose names and sizes, join constructs, and say what comes out of them."""
