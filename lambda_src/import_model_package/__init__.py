"""Brings approved versions of another environment, perhaps of another account, into this one."""
