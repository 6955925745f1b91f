"""Capacity as it is modelled: time, start-up, prices, warm pools, quotas, rates. Pure: no I/O."""
