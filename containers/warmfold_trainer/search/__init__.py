"""Mode ``search``: the whole search for one candidate's hyperparameters inside one job."""
