"""The secret that signs cookies."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from board.secret import VARIABLE, SecretError, find_secret

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_a_secret_is_made_once_and_for_the_owner_s_eyes_only(tmp_path: Path) -> None:
    path = tmp_path / "board.secret"
    secret = find_secret(path)
    assert len(secret) >= 32
    assert find_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_two_boards_have_two_secrets(tmp_path: Path) -> None:
    assert find_secret(tmp_path / "one") != find_secret(tmp_path / "other")


def test_a_secret_in_the_environment_is_used_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "s" * 32)
    assert find_secret(tmp_path / "board.secret") == "s" * 32
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_can_be_guessed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "board.secret").write_text("secret\n")
    with pytest.raises(SecretError, match=r"board\.secret has 6 characters; use 32 or more"):
        find_secret(tmp_path / "board.secret")
    monkeypatch.setenv(VARIABLE, "")
    with pytest.raises(SecretError, match=VARIABLE):
        find_secret(tmp_path / "board.secret")


def test_a_secret_that_cannot_be_kept_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match=rf"cannot use the secret in .*; set {VARIABLE} in its place"):
        find_secret(tmp_path / "missing" / "board.secret")
