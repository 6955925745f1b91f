"""Mode search."""
