"""AWS's own request shapes (botocore's service models) as checks.

Shared by the pipeline validator, which runs at synth, and by the local cloud, which answers as
the service does; it belongs to neither.
"""
