"""What every :class:`~eyewall.iostream.Stream` promises, as tests to run on a stream of your own.

Say how two connected ends are made and how a connection breaks; pytest does the rest, on every loop
that is installed (the tests are coroutines, run by :mod:`eyewall.ioloop.testing.plugin`)::

    from eyewall.iostream.testing.conformance import StreamConformance

    class TestSerialStream(StreamConformance):
        async def make_pair(self, io_loop):
            return open_loopback(io_loop)

        def reset(self, stream):
            stream.unplug()

In a ``conftest.py``, ``pytest.register_assert_rewrite("eyewall.iostream.testing.conformance")`` before
the import makes failures tell the values.
"""

from ._deadlines import DeadlineConformance
from ._ending import EndingConformance
from ._files import FilesConformance
from ._filling import FillingConformance
from ._iterating import IteratingConformance
from ._pairs import StreamPairs
from ._reading import ReadingConformance
from ._writing import WritingConformance

__all__ = [
    "DeadlineConformance",
    "EndingConformance",
    "FilesConformance",
    "FillingConformance",
    "IteratingConformance",
    "ReadingConformance",
    "StreamConformance",
    "StreamPairs",
    "WritingConformance",
]


class StreamConformance(
    ReadingConformance,
    FillingConformance,
    WritingConformance,
    FilesConformance,
    EndingConformance,
    DeadlineConformance,
    IteratingConformance,
):
    """The whole suite. Inherit from it in a class whose name begins with ``Test``."""
