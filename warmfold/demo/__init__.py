"""`make demo`: the whole platform, once, on a laptop."""
