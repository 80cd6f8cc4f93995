"""Which applications are reloaded: those that ask for it, once they serve."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from weakref import ref

from eyewall.httpserver import HTTP1ServerConnection
from eyewall.tcpserver import forbid_workers, task_id

from .._log import general_log
from ..errors import SettingError

if TYPE_CHECKING:
    from eyewall.httpserver import HTTPConnection

    from .._application import Application, Dispatcher


def arm(application: Application[Any]) -> None:
    """Let the process be started anew on a change, from the first request of a server on.

    Not before: a test that drives an application in memory shall not be started anew by who edits it.
    Raises :class:`SettingError` if that cannot be.
    """
    settings = application.settings
    if find_spec("watchfiles") is None:
        if not settings.get("autoreload"):
            general_log.info('debug=True without autoreload: that needs pip install "eyewall-web[reload]"')
            return
        raise SettingError('autoreload needs the library watchfiles: pip install "eyewall-web[reload]"')
    if task_id() is not None:
        raise SettingError(
            f"autoreload starts one process anew, and this is worker {task_id()} of several: "
            "serve by one process, or set autoreload=False"
        )
    forbid_workers(
        application,
        "an application with autoreload, or with debug, starts its one process anew: set autoreload=False for several",
    )
    made, application_of = time.time(), ref(application)  # by which it does not hold itself
    templates = [path] if isinstance(path := settings.get("template_path"), str) else []

    def start_request(server_conn: object, request_conn: HTTPConnection, /) -> Dispatcher:
        application = application_of()
        if application is None:
            raise RuntimeError("a server asks an application that is gone")
        if isinstance(server_conn, HTTP1ServerConnection):
            from ._watch import watch_in_thread

            del application.start_request  # the class's own takes its place again
            watch_in_thread(templates, made)
        return type(application).start_request(application, server_conn, request_conn)

    application.start_request = start_request  # type: ignore[method-assign] # for the first request, at no cost later
