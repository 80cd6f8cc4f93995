"""What every backend promises, as tests: run them on your own.

They are pytest classes for the plug-in's fixture ``io_loop``. For a backend that is registered as an
entry point, nothing is to be written::

    pytest -p eyewall.ioloop.testing.plugin --backends mine --pyargs eyewall.ioloop.testing.conformance

or import them into a test module: ``from eyewall.ioloop.testing.conformance import *``. They skip
by the capabilities that the backend declares, and by nothing else.
"""

from ._callbacks import TestCallbacks
from ._cancelling import TestCancelScopes
from ._descriptors import TestDescriptors
from ._running import TestRunning
from ._tasks import TestTasks
from ._timers import TestTimers

__all__ = ["TestCallbacks", "TestCancelScopes", "TestDescriptors", "TestRunning", "TestTasks", "TestTimers"]
