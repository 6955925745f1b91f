"""``warmfold_cv_strategy=fan_out``: a trial whose folds are training jobs of their own.

One of the two modules of the trainer that call AWS; boto3 is imported in ``aws`` alone, and that
module only when a trial fans out.
"""
