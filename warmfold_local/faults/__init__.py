"""Faults on demand: what a cloud does on its bad days, when asked for and as often as asked for.

A fault is set over the API (`http`) or the command line; `hooks` are where the local cloud asks
whether one is due, and `registry` decides, the same way for the same seed and order of calls.
"""
