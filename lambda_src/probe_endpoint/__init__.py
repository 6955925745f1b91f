"""On a schedule: a few requests to the endpoint, so that a canary without traffic has some."""
