"""For tests: a client that drives an application in memory."""

from ._client import AppClient, AppResponse, RequestOptions

__all__ = ["AppClient", "AppResponse", "RequestOptions"]
