"""Schedule target: starts the scoring pipeline for the local day with the latest approved model."""
