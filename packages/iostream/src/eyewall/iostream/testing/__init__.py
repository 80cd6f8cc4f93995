"""The fake of this layer's boundary: streams without sockets, for the tests of whoever uses a Stream."""

from ._memory import MemoryStream, memory_streams

__all__ = ["MemoryStream", "memory_streams"]
