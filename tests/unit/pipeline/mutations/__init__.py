"""Ways to break a valid training definition, by what they break."""
