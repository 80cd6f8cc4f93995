"""For tests: a loop whose time is simulated. The pytest plug-in is :mod:`eyewall.ioloop.testing.plugin`."""

from ._simulated import SimulatedLoop

__all__ = ["SimulatedLoop"]
