"""Runs this layer's tests on each loop, and lets the conformance suite's asserts tell their values."""

import pytest

pytest.register_assert_rewrite("eyewall.iostream.testing.conformance")
