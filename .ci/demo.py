"""Runs the README's first command, waits for the address that it prints, asks there for a page, and stops it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from urllib.request import urlopen

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/")
PATIENCE_SECONDS = 300


def main(command: str) -> int:
    """Give 0 if the page came."""
    # A session of its own: tox and what it started end together.
    demo = subprocess.Popen(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    timer = threading.Timer(PATIENCE_SECONDS, os.killpg, (demo.pid, signal.SIGKILL))
    timer.start()
    try:
        for line in demo.stdout or ():
            print(line, end="")
            if found := ADDRESS.search(line):
                with urlopen(found[0], timeout=30) as page:
                    print(f"{found[0]} answers {page.status}, {page.headers['Content-Type']}")
                    return 0 if page.status == 200 and b"<html" in page.read().lower() else 1
        print("FAILED: the demo ended, or was ended, before it printed an address")
        return 1
    finally:
        timer.cancel()
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGTERM)
        demo.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
