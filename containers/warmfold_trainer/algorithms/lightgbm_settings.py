"""What the platform does with LightGBM's parameters beside offering them.

Those that a candidate may set stand in ``warmfold_contract.algorithms``.
"""

# They shape the binned dataset, which all trials of a candidate share in form: never tuned.
DATASET_PARAMETERS = ("max_bin", "min_data_in_bin")

# Rows times features up to which histograms are summed from a second copy of the bins that lies by
# rows: 5 % less CPU at 25 million values, for a third more memory in each fold.
ROW_WISE_VALUES = 2**25

# Reproducible on any number of cores, and filtered by no single trial's parameters: the binned
# dataset is shared, so `feature_pre_filter` (by min_data_in_leaf) would change other trials.
FIXED = {
    "metric": "None",
    "deterministic": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}
