"""German Credit: the example project of warmfold."""
