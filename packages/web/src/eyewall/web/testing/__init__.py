"""For tests: a client that drives an application in memory."""

from ._client import AppClient, AppResponse

__all__ = ["AppClient", "AppResponse"]
