"""Every backend keeps the promises of the Protocol."""

from eyewall.ioloop.testing.conformance import (
    TestCallbacks,
    TestCancelScopes,
    TestDescriptors,
    TestInsight,
    TestRunning,
    TestSignals,
    TestTasks,
    TestTimers,
)

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
