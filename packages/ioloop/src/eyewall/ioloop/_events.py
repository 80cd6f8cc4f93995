"""What a descriptor can be watched for; the values are epoll's, and Tornado's."""

from typing import Final

NONE: Final = 0
READ: Final = 0x001
WRITE: Final = 0x004
ERROR: Final = 0x018
