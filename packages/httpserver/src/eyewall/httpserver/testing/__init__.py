"""The fake of this layer's boundary: an HTTPConnection without HTTP, for the tests of whoever answers requests."""

from ._recording import RecordingConnection

__all__ = ["RecordingConnection"]
