"""CDK constructs of the platform: one capability a file. They read no configuration.

Stacks choose names and sizes, and join constructs by their verbs (``grant_read`` …); a construct
gives physical names only to what is known by name elsewhere.
"""
