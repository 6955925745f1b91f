"""Custom resources before and after an endpoint: they let its instance type change."""
