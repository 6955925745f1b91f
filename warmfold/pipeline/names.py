"""Names of the training pipeline's steps, by which executions and reports know them."""

BUILD_FEATURES = "BuildFeatures"
# A candidate's step: the prefix says how it is searched, the rest is the candidate's name.
TUNE_PREFIX = "Tune-"
SEARCH_PREFIX = "Search-"
SELECT_BEST_TRIAL = "SelectBestTrial"
TRAIN_FINAL_MODEL = "TrainFinalModel"
EVALUATE_MODEL = "EvaluateModel"
CHECK_SCORE = "CheckScore"
REGISTER_MODEL = "RegisterModel"
REGISTER_REJECTED_MODEL = "RegisterRejectedModel"
CREATE_MODEL = "CreateModel"
TRANSFORM_HOLDOUT = "TransformHoldout"

EVALUATION_PROPERTIES = "Evaluation"
