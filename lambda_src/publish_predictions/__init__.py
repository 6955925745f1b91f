"""Pipeline step: makes a finished batch of predictions the day's current one."""
