"""The trainer image's program: ``python -m warmfold_trainer {process|train|evaluate}``."""
