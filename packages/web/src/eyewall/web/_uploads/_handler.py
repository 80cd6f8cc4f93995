"""UploadHandler: its method runs while the body comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from eyewall.httpserver import HTTPInputError, split_parameters
from eyewall.ioloop import Promise, Task
from eyewall.iostream import StreamClosedError

from .._handler import RequestHandler, stream_request_body
from .._log import general_log
from ..errors import FormError
from ._channel import BodyChannel, wake
from ._files import Memory, UploadedFile
from ._library import find_library, make_parser
from ._limits import FormLimits
from ._parts import PartReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

_MULTIPART: Final = "multipart/form-data"
_URLENCODED: Final = "application/x-www-form-urlencoded"
_LONGEST_BOUNDARY: Final = 70
"""Characters: RFC 2046 section 5.1.1."""


class Form:
    """The fields and files of a form."""

    def __init__(self) -> None:
        self.fields: Final[dict[str, list[bytes]]] = {}
        """The values of the fields, by name, in the order in which they arrived."""
        self.files: Final[dict[str, list[UploadedFile]]] = {}
        """The files, by the names of their fields."""

    def file(self, name: str) -> UploadedFile:
        """Return the last file of that field. Raises :class:`FormError` (400) if there is none."""
        if name not in self.files:
            raise FormError(400, f"the form has no file {name[:80]!r}")
        return self.files[name][-1]

    def close(self) -> None:
        """Discard the files."""
        for files in self.files.values():
            for file in files:
                file.close()


@stream_request_body
class UploadHandler(RequestHandler):
    """A handler whose method runs while the body arrives, and reads a form of any size; needs the extra ``forms``.

    As a whole, with large files kept on the disk until the request ends::

        class Photos(UploadHandler):
            async def post(self) -> None:
                form = await self.read_form()
                await form.file("photo").save(f"/srv/photos/{uuid4()}.jpg")
                self.write({"title": self.get_body_argument("title")})

    Or part by part, as it arrives::

            async def post(self) -> None:
                async for part in self.parts():
                    async for chunk in part:
                        await self.store(part.name, chunk)

    While the method is not asking for more, the client is held back. The method runs in a task of its own, which ends
    with the request. If the client disconnects, reading the form raises ``StreamClosedError``, and
    :attr:`disconnect_policy` applies as usual. A malformed form is answered with 400, and one that exceeds
    :attr:`form_limits` with 413. However the request ends, the files of its form are closed and deleted.

    The form is not available in ``prepare``, so a token against forged requests (``xsrf_cookies``) has to come in the
    header or the query.
    """

    form_limits: ClassVar[FormLimits] = FormLimits()
    """The limits of the form."""
    upload_folder: ClassVar[str | None] = None
    """Where large files are stored during the request; None: the system's folder for temporary files."""

    _channel: BodyChannel | None = None
    _task: Task[None] | None = None
    _form: Form | None = None
    _waiter: Promise[None] | None = None
    _is_over = False
    _error: BaseException | None = None
    _is_taken = False
    _waits = False

    @classmethod
    def check_route(cls, kwargs: Mapping[str, Any]) -> None:
        """Refuse a route if the library is missing. Raises ``ValueError``."""
        super().check_route(kwargs)
        # Not redundant for those who have no type checker.
        if not isinstance(cls.form_limits, FormLimits):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ValueError(f"{cls.__name__}.form_limits is {cls.form_limits!r}: make it FormLimits(…)")  # noqa: TRY004 - its value
        find_library()

    @property
    def bytes_received(self) -> int:
        """Bytes of the body that have arrived."""
        return 0 if self._channel is None else self._channel.received

    @property
    def bytes_expected(self) -> int | None:
        """The length of the body in bytes, as declared by the client; None if it is not declared."""
        length = self.request.headers.get("Content-Length")
        return None if length is None else int(length)

    def parts(self) -> PartReader:
        """Iterate over the parts of a multipart form as they arrive (``async for part in self.parts()``), once.

        Raises :class:`FormError`: 415 if the body is no such form, 400 if its content type has no boundary.
        """
        media_type, boundary = self._form_type()
        if media_type != _MULTIPART:
            raise FormError(415, f"a form of type {_MULTIPART} is taken here, and not {media_type[:80]!r}")
        if not boundary.isascii() or not 0 < len(boundary) <= _LONGEST_BOUNDARY:
            raise FormError(400, "the form's type has no boundary that could be one")
        return PartReader(self._take(), make_parser(boundary, self.form_limits), self.form_limits)

    async def read_form(self) -> Form:
        """Read the whole form, multipart or urlencoded; ``get_body_argument`` then finds its fields as well.

        Raises :class:`FormError`, and ``StreamClosedError`` if the client disconnects.
        """
        self._form = form = Form()
        if self._form_type()[0] == _URLENCODED:
            self.request.body = await self._read_fields(self._take())
            try:
                form.fields.update(self.request.body_arguments)
            except HTTPInputError as error:
                raise FormError(error.status, str(error)) from error
            return form
        memory = Memory(self.form_limits.memory_size)
        async for part in self.parts():
            # A browser sends an empty name where no file was chosen: as elsewhere, no file.
            if not part.filename:
                form.fields.setdefault(part.name, []).append(await part.read())
                continue
            file = UploadedFile(part, self._connection.io_loop, memory, self.upload_folder)
            form.files.setdefault(part.name, []).append(file)
            await file.fill(part)
        self.request.body_arguments = form.fields
        self.request.__dict__.pop("arguments", None)
        return form

    async def _read_fields(self, channel: BodyChannel) -> bytes:
        body = bytearray()
        while (chunk := await channel.get()) is not None:
            body += chunk
            if len(body) > self.form_limits.max_fields_size:
                raise FormError(413, f"the form is longer than {self.form_limits.max_fields_size} bytes")
        return bytes(body)

    def _form_type(self) -> tuple[str, str]:
        if (coding := self.request.headers.get("Content-Encoding")) is not None:
            raise FormError(415, f"a form that is encoded as {coding[:80]!r} is not taken")
        media_type, parameters = split_parameters(self.request.headers.get("Content-Type", ""))
        return media_type.lower(), parameters.get("boundary", "")

    def _take(self) -> BodyChannel:
        if self._channel is None or self._is_taken:
            raise RuntimeError("a form is taken once, by the method of the request")
        self._is_taken = True
        return self._channel

    # What comes from the connection

    def _start_stream(self, args: Any, kwargs: Any) -> Awaitable[object] | None:
        if self.form_limits.max_size is not None:
            self._connection.set_max_body_size(self.form_limits.max_size)
        return super()._start_stream(args, kwargs)

    async def data_received(self, chunk: bytes) -> None:
        """Hand a piece of the body to the method, and wait until it wants more."""
        await self._wait_for_method(self._begin_method().put(chunk))

    async def _answer_stream(self) -> None:
        self._begin_method().end()
        await self._wait_for_method(self._until_over())

    async def _wait_for_method(self, done: Awaitable[None]) -> None:
        self._waits = True
        try:
            await done
        except BaseException:
            await self._cancel_method()
            raise
        finally:
            self._waits = False
        if (error := self._error) is not None:
            # Answered here as that of any other handler.
            self._error = None
            raise error

    def tell_disconnected(self) -> None:
        """Let the method know: it is waiting for more, or will be."""
        if self._channel is not None:
            self._channel.lose()
        if self._task is not None and self.disconnect_policy == "cancel":
            self._task.cancel()
        super().tell_disconnected()

    def _begin_method(self) -> BodyChannel:
        if self._channel is None:
            io_loop = self._connection.io_loop
            self._channel = BodyChannel(io_loop)
            if self.is_disconnected:
                self._channel.lose()
            self._task = io_loop.spawn(self._run_method(), name=f"{type(self).__name__} takes a body")
        return self._channel

    async def _cancel_method(self) -> None:
        """End the method with the connection's task, and wait until it has cleaned up."""
        if self._task is None or self._is_over:
            return
        self._task.cancel()
        with self._connection.io_loop.cancel_scope(shield=True):
            await self._until_over()

    async def _until_over(self) -> None:
        while not self._is_over:
            # One for each who waits: where that is cancelled, a loop may cancel what it waits for.
            self._waiter = self._connection.io_loop.create_future()
            await self._waiter

    async def _run_method(self) -> None:
        try:
            result = self._answer(self._method())
            if result is not None:
                await result
            if not self._finished:
                self.finish()
        except BaseException as error:  # noqa: BLE001 - whatever the program raises is logged and answered
            self._end_method(error)
        finally:
            if self._form is not None:
                self._form.close()
            if self._channel is not None:
                self._channel.close()
            self._is_over = True
            wake(self._waiter)

    def _end_method(self, error: BaseException) -> None:
        """Leave an error to the connection's task, where that waits, or else see to it here."""
        if isinstance(error, StreamClosedError) and self.is_disconnected:
            general_log.info("%s: the client went away in the middle of its form", self._request_summary())
            self._give_up()
        elif self._waits and not self._ends_the_task(error):
            self._error = error
        else:
            try:
                self._end_with(error)
            except Exception as unanswered:  # noqa: BLE001 - for the connection, whose task it is to end
                self._error = unanswered
