"""How one of Athena's operations is refused, as its API says it."""
from __future__ import annotations


class ApiError(Exception):
    """An operation is refused: `kind` is AWS's name for the exception, `code` Athena's own for the reason.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_InvalidRequestException.html
    """

    def __init__(self, message: str, kind: str = "InvalidRequestException", code: str = "INVALID_INPUT"):
        super().__init__(message)
        self.message, self.kind, self.code = message, kind, code
