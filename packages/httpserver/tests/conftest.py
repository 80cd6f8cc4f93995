"""Fixtures that several of the layer's tests take."""

from __future__ import annotations

import gc
import logging
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from eyewall.ioloop.testing import SimulatedLoop

if TYPE_CHECKING:
    from collections.abc import Iterator

# How long an example takes is the machine's business: a neighbour may have it for a while.
settings.register_profile(
    "patient", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("patient")


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    """A loop whose clock jumps, for whatever takes its time."""
    with SimulatedLoop() as loop:
        yield loop


@pytest.fixture(autouse=True)
def _log_everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "eyewall")


@pytest.fixture(scope="module")
def new_garbage_only() -> Iterator[None]:
    """Let ``gc.collect`` pass over what pytest and the modules hold: that takes most of its time, and never changes."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
