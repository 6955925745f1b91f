"""A request that cannot be answered, as the status and the message that its sender gets."""

from http import HTTPStatus


class RequestError(Exception):
    """The sender's mistake. Of the data the message names row, column and kind, never a value."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def bad_request(message: str) -> RequestError:
    return RequestError(HTTPStatus.BAD_REQUEST, message)
