"""Errors that the local cloud answers with, in the service's own codes and texts."""


class ServiceError(Exception):
    """An answer other than success; ``code`` is the service's own (``ValidationException`` …)."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class ValidationError(ServiceError):
    """SageMaker answers this also for an unknown resource ("Could not find …")."""

    def __init__(self, message: str) -> None:
        super().__init__("ValidationException", message)


class AccessDenied(ServiceError):
    """IAM has refused; SageMaker's own operations answer it with 400."""

    def __init__(self, message: str) -> None:
        super().__init__("AccessDeniedException", message)


class ResourceInUse(ServiceError):
    """A name that is taken, or a resource that something else still needs."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceInUse", message)


class ResourceNotFound(ServiceError):
    """Only the newer operations (pipelines, say) answer this."""

    def __init__(self, message: str) -> None:
        super().__init__("ResourceNotFound", message)


class UnsupportedOperation(ServiceError):
    """What this local cloud does not do; never a made-up success."""

    def __init__(self, operation: str, what: str = "operation") -> None:
        super().__init__(
            "UnsupportedOperation", f"the local cloud does not support the {what} {operation}", 501
        )
