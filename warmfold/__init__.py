"""The product: pipeline definition, command line, report. Knows no CDK."""
