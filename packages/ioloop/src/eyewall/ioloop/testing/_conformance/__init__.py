"""The parts of :mod:`eyewall.ioloop.testing.conformance`."""
