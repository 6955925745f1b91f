"""The SageMaker pipeline definitions, as pure data, and their validator.

Build with ``training.training_pipeline`` or ``scoring.scoring_pipeline`` from ``spec``'s settings;
check with ``validate.require_valid``, which knows any definition, not only ours.
"""
