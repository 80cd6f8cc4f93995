"""RequestHandler: one request and its response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from eyewall.httpserver import HTTPHeaders, HTTPOutputError, forbids_body, reason_of
from eyewall.iostream import StreamClosedError

from ._arguments import ArgumentsMixin
from ._cors import CORS
from ._disconnect import DISCONNECT_POLICIES, DisconnectMixin
from ._etag import ETagMixin
from ._log import app_log, fields_of, general_log, printable, summary_of
from ._recognise import as_http_error, is_finish
from ._status import start_line_of
from ._templates import TemplatesMixin
from .errors import BodyError, HTTPError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from types import TracebackType

_PLAIN_METHODS: Final = frozenset(("GET", "HEAD"))
"""The methods before which nothing is to be asked: they change nothing, and no preflight is one."""
# Python finds an attribute in a tenth of the time by a text that it knows: one that is made anew it does not.
_NAMES: Final = {method: method.lower() for method in ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")}
_EXITS: Final = (KeyboardInterrupt, SystemExit, GeneratorExit)


class RequestHandler(ArgumentsMixin, TemplatesMixin, ETagMixin, DisconnectMixin):
    r"""Answers one request. Subclass it, define the HTTP methods it should answer, and give the class a route.

    ::

        class Hello(RequestHandler):
            def get(self, name: str) -> None:
                self.write(f"Hello, {name}!")

        Application([(r"/hello/(\w+)", Hello)])

    For each request, an object is created. The task of the connection then calls :meth:`initialize`, :meth:`prepare`,
    the method named like the HTTP method, :meth:`finish` if it has not been called yet, and :meth:`on_finish`.
    ``prepare`` and the HTTP methods may be coroutines.

    What is written is buffered until :meth:`flush` or :meth:`finish`. Until then status, headers and body can still
    be changed, and an exception replaces them with an error page. Use a handler only in the thread of the loop.
    """

    SUPPORTED_METHODS: ClassVar[tuple[str, ...]] = ("GET", "HEAD", "POST", "DELETE", "PATCH", "PUT", "OPTIONS")
    """The HTTP methods that may reach a handler; each calls the Python method of that name, in lower case."""

    # Any, so that a Handler may say Literal[True], and TakesNoState ask for Literal[False].
    needs_state: ClassVar[Any] = False
    """True for a :class:`Handler`, which only an application with a suitable ``state`` accepts."""

    head_is_like_get: ClassVar[bool] = True
    """False for a class whose ``get`` cannot answer HEAD, whatever the setting ``automatic_head`` says."""

    @classmethod
    def check_route(cls, kwargs: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` for route ``kwargs`` that can only fail; called when the application is created."""

    def prepare(self) -> Awaitable[object] | None:
        """Override it to act before any HTTP method is called; call :meth:`finish` in it to end the request there."""
        return None

    def get(self, *args: Any, **kwargs: Any) -> object:
        """Answer GET. The arguments are the values that the route's pattern took from the path."""
        raise HTTPError(405)

    def head(self, *args: Any, **kwargs: Any) -> object:
        """Answer HEAD: like GET, but what is written is only counted for Content-Length.

        With the setting ``automatic_head``, a handler that does not define it answers with its ``get``.
        """
        if "HEAD" in self._automatic_methods():
            return self.get(*args, **kwargs)
        raise HTTPError(405)

    def post(self, *args: Any, **kwargs: Any) -> object:
        """Answer POST."""
        raise HTTPError(405)

    def delete(self, *args: Any, **kwargs: Any) -> object:
        """Answer DELETE."""
        raise HTTPError(405)

    def patch(self, *args: Any, **kwargs: Any) -> object:
        """Answer PATCH."""
        raise HTTPError(405)

    def put(self, *args: Any, **kwargs: Any) -> object:
        """Answer PUT."""
        raise HTTPError(405)

    def options(self, *args: Any, **kwargs: Any) -> object:
        """Answer OPTIONS.

        With the setting ``automatic_options``, a handler that does not define it lists its methods in ``Allow``.
        """
        if "OPTIONS" not in self._automatic_methods():
            raise HTTPError(405)
        self.set_status(204)
        self._set_allow()
        return None

    def data_received(self, chunk: bytes) -> Awaitable[object] | None:
        """Receive a piece of the body, after ``prepare`` and before the HTTP method: for :func:`stream_request_body`.

        If this returns an awaitable, the client is held back until it is done.
        """
        raise NotImplementedError(f"{type(self).__name__} streams its body: define data_received")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Write the error page: override it for a page of your own.

        Status and headers are set. If an exception is the cause, ``kwargs["exc_info"]`` is ``sys.exc_info()``.
        """
        if forbids_body(status_code):
            self.finish()
            return
        error = kwargs["exc_info"][1] if "exc_info" in kwargs else None
        if isinstance(error, BodyError):
            self.finish({"status": status_code, "error": error.problem, "where": error.where})
            return
        if isinstance(error, BaseException) and self.settings.get("serve_traceback"):
            self._write_traceback(status_code, error)
            return
        # No import: this is the answer where there are no descriptors left, too. No reason holds a "<".
        reason = self._reason.replace("&", "&amp;").replace(">", "&gt;")
        message = f"{status_code}: {reason}"
        self.finish(f"<html><title>{message}</title><body>{message}</body></html>")

    def _write_traceback(self, status_code: int, error: BaseException) -> None:
        if self.settings.get("debug"):
            from ._debug import debug_page

            self.finish(debug_page(self, status_code, error))
            return
        from traceback import format_exception

        self.set_header("Content-Type", "text/plain; charset=UTF-8")
        self.finish("".join(format_exception(error)))

    def log_exception(
        self, typ: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Log what ended a request: an ``HTTPError`` with a message as a warning, others with a traceback."""
        http_error = None if value is None else as_http_error(value)
        if http_error is None:
            exc_info = None if typ is None or value is None else (typ, value, tb)
            fields = fields_of(self.request)
            app_log.error("Uncaught exception %s", self._request_summary(), exc_info=exc_info, extra=fields)
        elif message := http_error.get_message():
            general_log.warning("%d %s: %s", http_error.status_code, self._request_summary(), printable(message))

    def send_error(self, status_code: int = 500, **kwargs: Any) -> None:
        """Complete the response with an error page, which replaces what was written so far.

        ``kwargs`` are passed to :meth:`write_error`; ``reason`` among them sets the reason phrase. If the headers
        have already been sent, raises ``HTTPOutputError``: closing the connection is then the only way to tell the
        client.
        """
        if self._finished:
            general_log.error("%s: send_error() after finish(): the response is complete", self._request_summary())
            return
        if self._headers_written:
            raise HTTPOutputError("send_error() after flush(): the headers have been sent with another status")
        self.clear()
        self.set_status(status_code, reason=_reason_in(kwargs))
        if status_code == 405:
            self._set_allow()
        try:
            if status_code != 304:
                self.write_error(status_code, **kwargs)
        except Exception:  # noqa: BLE001 - whatever the program raises is logged and answered
            app_log.exception("Uncaught exception in write_error")
        if not self._finished:
            if forbids_body(status_code):
                self._write_buffer.clear()
            self.finish()

    @classmethod
    def _allowed_methods(cls) -> list[str]:
        return [
            method
            for method in cls.SUPPORTED_METHODS
            if getattr(cls, method.lower(), None) is not getattr(RequestHandler, method.lower(), None)
        ]

    def _answered_methods(self) -> list[str]:
        """The methods that the handler defines, and those that a setting adds."""
        return list(dict.fromkeys([*self._allowed_methods(), *self._automatic_methods()]))

    def _automatic_methods(self) -> list[str]:
        defined, methods = self._allowed_methods(), list[str]()
        if self.settings.get("automatic_head") and "GET" in defined and self.head_is_like_get:
            methods.append("HEAD")
        if self.settings.get("automatic_options") and defined:
            methods.append("OPTIONS")
        return methods

    def _set_allow(self) -> None:
        self.set_header("Allow", ", ".join(self._answered_methods()))

    def _request_summary(self) -> str:
        return summary_of(self.request)

    @classmethod
    def settle(cls) -> None:
        """Apply :attr:`disconnect_policy` and :attr:`cors` to the class; an Application calls it when it is created.

        A class that sets neither is left unchanged. Raises ``ValueError`` for a value that makes no sense.
        """
        if cls.disconnect_policy not in DISCONNECT_POLICIES:
            names = " or ".join(map(repr, DISCONNECT_POLICIES))
            raise ValueError(f"{cls.__name__}.disconnect_policy is {cls.disconnect_policy!r}: make it {names}")
        if cls.disconnect_policy != "tell" and not cls.obeys_disconnect_policy:
            cls.obeys_disconnect_policy = True
            cls._execute = _obeying(cls._execute)  # type: ignore[method-assign] # so that no other handler need ask
        # Not redundant for those who have no type checker.
        if not isinstance(cls.cors, CORS | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"{cls.__name__}.cors is {cls.cors!r}: make it CORS(['https://app.example'])")  # noqa: TRY004 - its value
        if cls.cors is not None and not cls.obeys_cors:
            cls.obeys_cors = True
            cls._start = _sharing(cls._start)  # type: ignore[method-assign] # the same

    def _execute(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Awaitable[None] | None:
        """Answer a request that is there as a whole; give what is to be awaited, None if it is answered.

        So a handler that never waits costs no coroutine around it.
        """
        try:
            # Not an attribute: a method that its own object holds is left to the garbage collector, with its request.
            method = self._method()
            prepared = self._start(args, kwargs)
            if prepared is not None:
                return self._execute_later(prepared, method)
            if self._finished:
                return None
            result = self._answer(method)
            if result is not None:
                return self._finish_later(result)
            if not self._finished:
                self.finish()
        except BaseException as error:  # noqa: BLE001 - whatever the program raises is logged and answered
            self._end_with(error)
        return None

    async def _execute_later(self, prepared: Awaitable[object], method: Callable[..., Any]) -> None:
        """The same where ``prepare`` waits."""
        try:
            await prepared
            result = None if self._finished else self._answer(method)
            if result is not None:
                await result
            if not self._finished:
                self.finish()
        except BaseException as error:  # noqa: BLE001 - whatever the program raises is logged and answered
            self._end_with(error)

    async def _finish_later(self, result: Awaitable[object]) -> None:
        """The same where only the method waits."""
        try:
            await result
            if not self._finished:
                self.finish()
        except BaseException as error:  # noqa: BLE001 - whatever the program raises is logged and answered
            self._end_with(self._explained(error, result))

    def _explained(self, error: BaseException, result: object) -> BaseException:
        """Say it better where the method gave what cannot be awaited."""
        trace = error.__traceback__
        if not isinstance(error, TypeError) or trace is None or trace.tb_next is not None:
            return error
        where = f"{type(self).__name__}.{(self.request.method or '').lower()}()"
        if hasattr(result, "gi_frame") or hasattr(result, "ag_frame"):
            return TypeError(f"{where} is a generator, which nobody runs: make it `async def`, without `yield`")
        return TypeError(f"{where} returned {type(result).__name__}: write() it, or derive from Handler to return it")

    def _end_with(self, error: BaseException) -> None:
        """Answer what the program raised; raise on what was meant for the task and not for the program."""
        if self._ends_the_task(error):
            self._give_up()
            raise error
        self._handle_request_exception(error)

    def _ends_the_task(self, error: BaseException) -> bool:
        """Tell a cancellation of this task from that of something that the program awaited."""
        if isinstance(error, Exception):
            return False
        return isinstance(error, _EXITS) or self._connection.io_loop.cancelling()

    async def _stream(self, step: Callable[..., Awaitable[object] | None], *args: object) -> None:
        """Take one step of a request whose body is taken in pieces; none once it is answered."""
        if not self._finished:
            await self._obey_policy(self._step(step, *args))

    async def _step(self, step: Callable[..., Awaitable[object] | None], *args: object) -> None:
        try:
            result = step(*args)
            if result is not None:
                await result
        except BaseException as error:  # noqa: BLE001 - whatever the program raises is logged and answered
            self._end_with(error)

    def _start_stream(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Awaitable[object] | None:
        """The first of these steps: nobody takes the body of a request that nothing answers."""
        self._method()
        return self._start(args, kwargs)

    async def _answer_stream(self) -> None:
        """The last of these steps."""
        result = self._answer(self._method())
        if result is not None:
            await result
        if not self._finished:
            self.finish()

    def _start(self, args: Sequence[object], kwargs: Mapping[str, object]) -> Awaitable[object] | None:
        """Do what goes before the method's own method."""
        # None is a group that matched nothing, and what is no bytes a route's part has converted.
        if args:
            self.path_args: Sequence[Any] = [
                self.decode_argument(arg) if isinstance(arg, bytes) else arg for arg in args
            ]
        if kwargs:
            self.path_kwargs: Mapping[str, Any] = {
                name: self.decode_argument(arg, name=name) if isinstance(arg, bytes) else arg
                for name, arg in kwargs.items()
            }
        if self.request.method not in _PLAIN_METHODS:
            self._check_origin()
        return self.prepare()

    def _check_origin(self) -> None:
        """Answer a page of another site that asks whether it may, or refuse one that may not."""
        if self.request.method == "OPTIONS":
            self._answer_preflight(self._answered_methods())
            return
        self.check_cross_origin()
        if self.application.settings.get("xsrf_cookies"):
            self.check_xsrf_cookie()

    def _method(self) -> Callable[..., Any]:
        """Find what answers: a method's name comes from the class, never from the client."""
        name = self.request.method
        if name not in self.SUPPORTED_METHODS:
            raise HTTPError(405)
        method: Callable[..., Any] | None = getattr(self, _NAMES.get(name) or name.lower(), None)
        if method is None:
            raise HTTPError(405)
        return method

    def _answer(self, method: Callable[..., Any]) -> Awaitable[object] | None:
        """Call the method's own method; give what is to be awaited."""
        result: object = method(*self.path_args, **self.path_kwargs)
        return None if result is None else self._take_result(result)

    def _take_result(self, result: Any) -> Awaitable[object] | None:  # Any: whatever the methods return
        """Take what the method gave, where it gave anything; give what is to be awaited."""
        waits: Awaitable[object] = result
        return waits

    def _handle_request_exception(self, error: BaseException) -> None:
        gone = isinstance(error, StreamClosedError) and self._is_client_gone()
        try:
            if is_finish(error):
                if not self._finished:
                    self.finish(*error.args)
                return
            if gone:
                general_log.info("%s: the client went away: %s", self._request_summary(), error)
            else:
                self._log_safely(error)
            if not (self._finished or self._has_begun()):
                http_error = as_http_error(error)
                status = 500 if http_error is None else http_error.status_code
                self.send_error(status, exc_info=(type(error), error, error.__traceback__))
        except Exception:  # noqa: BLE001 - whatever the program raises is logged and answered
            app_log.exception("Exception in exception handler: %s", self._request_summary())
        if not self._finished:
            self._answer_anyhow(error if gone else None)

    def _log_safely(self, error: BaseException) -> None:
        try:
            self.log_exception(type(error), error, error.__traceback__)
        except Exception:  # noqa: BLE001 - whatever the program raises is logged and answered
            app_log.exception("Error in exception logger")

    def _has_begun(self) -> bool:
        """Tell whether a response went out: a connection that refuses its headers, such as two framings, sends none."""
        if self._headers_written:
            try:
                self._connection.write(b"")
            except HTTPOutputError:
                self._headers_written = False
        return self._headers_written

    def _is_client_gone(self) -> bool:
        """Tell the stream of the client from one of the program's own, once something was sent to it."""
        if not self._headers_written or self._finished:
            return self._finished
        sent = self._connection.write(b"")
        return sent.done() and isinstance(sent.exception(), StreamClosedError)

    def _answer_anyhow(self, gone: BaseException | None) -> None:
        """End a request whose error page failed too; or, where headers have gone out, its connection."""
        begun = self._headers_written
        if not begun:
            self._headers_written = True
            self._status_code, self._reason = 500, reason_of(500)
            self._connection.write_headers(start_line_of(500, self._reason), HTTPHeaders({"Content-Length": "0"}))
            self._connection.finish()
        self._is_disconnected = self._is_disconnected or gone is not None
        self._give_up()
        if begun:
            # From None: what has broken it off is in the log already.
            raise (gone or HTTPOutputError(f"the response to {self._request_summary()} broke off")) from None

    def _give_up(self) -> None:
        if self._finished:
            return
        self._finished = True
        if self._is_disconnected and not self._headers_written:
            self._note_unanswered()
        try:
            self.application.log_request(self)
            self.on_finish()
        except Exception:  # noqa: BLE001 - whatever the program raises is logged and answered
            app_log.exception("Exception in on_finish: %s", self._request_summary())


def _obeying(execute: Callable[..., Awaitable[None] | None]) -> Callable[..., Awaitable[None] | None]:
    def _execute(self: RequestHandler, args: Sequence[object], kwargs: Mapping[str, object]) -> Awaitable[None] | None:
        # Up to here nobody could have learned that the client has gone.
        waits = execute(self, args, kwargs)
        return None if waits is None else self._obey_policy(waits)  # pyright: ignore[reportPrivateUsage] - a method of it

    return _execute


def _sharing(start: Callable[..., Awaitable[object] | None]) -> Callable[..., Awaitable[object] | None]:
    def _start(self: RequestHandler, args: Sequence[object], kwargs: Mapping[str, object]) -> Awaitable[object] | None:
        if self.cors is not None:
            self._apply_own_cors(self.cors)  # pyright: ignore[reportPrivateUsage] - a method of it
        return start(self, args, kwargs)

    return _start


def _reason_in(kwargs: Mapping[str, Any]) -> str | None:
    if "exc_info" in kwargs:
        http_error = as_http_error(kwargs["exc_info"][1])
        if http_error is not None and http_error.reason:
            return http_error.reason
    return kwargs.get("reason")


H = TypeVar("H", bound=type[RequestHandler])


def stream_request_body(cls: H) -> H:
    """Decorate a handler class that receives the body in pieces, through ``data_received``, instead of as a whole.

    ``self.request.body`` stays empty, and so do the arguments of forms. ``prepare`` is called when the header fields
    have arrived: ``self.request.connection.set_max_body_size`` can there change how much is accepted. The HTTP method
    is called when the body is complete::

        @stream_request_body
        class Upload(RequestHandler):
            async def data_received(self, chunk: bytes) -> None:
                await self.file.write(chunk)
    """
    if not issubclass(cls, RequestHandler):
        raise TypeError(f"stream_request_body decorates a class of RequestHandler, not {cls!r}")
    cls.streams_request_body = True
    return cls


class ErrorHandler(RequestHandler):
    """Answers every request with the error page of ``status_code``, given in the route's ``kwargs``."""

    __slots__ = ()

    def initialize(self, status_code: int) -> None:
        """Set the status."""
        self.set_status(status_code)

    def check_cross_origin(self) -> None:
        """Let it through: nothing is changed here."""

    def check_xsrf_cookie(self) -> None:
        """Let it through: nothing is changed here."""

    def prepare(self) -> None:
        """End the request."""
        raise HTTPError(self.get_status())
