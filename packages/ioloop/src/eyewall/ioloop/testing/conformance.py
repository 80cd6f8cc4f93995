"""What every backend promises, as tests: run them on your own.

They are pytest classes for the plug-in's fixture ``io_loop``. For a backend that is registered as an
entry point, nothing is to be written::

    pytest -p eyewall.ioloop.testing.plugin --backends mine --pyargs eyewall.ioloop.testing.conformance

or import them into a test module: ``from eyewall.ioloop.testing.conformance import *``. They skip
by the capabilities that the backend declares, and by nothing else.
"""

# Absolute imports: pytest loads this file by its path as well.

from eyewall.ioloop.testing._conformance._callbacks import TestCallbacks
from eyewall.ioloop.testing._conformance._cancelling import TestCancelScopes
from eyewall.ioloop.testing._conformance._descriptors import TestDescriptors
from eyewall.ioloop.testing._conformance._insight import TestInsight
from eyewall.ioloop.testing._conformance._running import TestRunning
from eyewall.ioloop.testing._conformance._signals import TestSignals
from eyewall.ioloop.testing._conformance._tasks import TestTasks
from eyewall.ioloop.testing._conformance._timers import TestTimers

__all__ = [
    "TestCallbacks",
    "TestCancelScopes",
    "TestDescriptors",
    "TestInsight",
    "TestRunning",
    "TestSignals",
    "TestTasks",
    "TestTimers",
]
