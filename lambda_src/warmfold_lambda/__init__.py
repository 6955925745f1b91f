"""What every function shares: environment, log, clients, errors. Standard library and boto3."""
