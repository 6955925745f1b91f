"""Custom resource: deletes what would keep CloudFormation from deleting a stack."""
