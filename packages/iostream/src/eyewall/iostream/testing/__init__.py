"""The fake of this layer's boundary: streams without sockets, for the tests of whoever uses a Stream.

The suite for whoever makes a Stream is :mod:`eyewall.iostream.testing.conformance`.
"""

from ._certificate import CertificateFiles, self_signed_certificate
from ._faults import Delay, Faults, Step, random_faults
from ._memory import MemoryStream, memory_streams

__all__ = [
    "CertificateFiles",
    "Delay",
    "Faults",
    "MemoryStream",
    "Step",
    "memory_streams",
    "random_faults",
    "self_signed_certificate",
]
