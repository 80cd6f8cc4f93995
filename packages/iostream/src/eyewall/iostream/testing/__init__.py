"""The fake of this layer's boundary: streams without sockets, for the tests of whoever uses a Stream.

The suite for whoever makes a Stream is :mod:`eyewall.iostream.testing.conformance`.
"""

from ._certificate import CertificateFiles, self_signed_certificate
from ._memory import MemoryStream, memory_streams

__all__ = ["CertificateFiles", "MemoryStream", "memory_streams", "self_signed_certificate"]
