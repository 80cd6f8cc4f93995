"""What comes on a WebSocket is what the library's own reader finds in the same bytes, however they are cut."""

from __future__ import annotations

from random import Random

import pytest

pytest.importorskip("websockets")

from eyewall.web._websocket._incoming import Incoming
from eyewall.web._websocket._library import deflate, frames, protocol

LIMIT = 500
SIZES = (0, 1, 2, 100, 125, 126, 300)


def some_frames(random: Random) -> bytes:
    """Make frames of which each may be one too many, and now and then one that is none."""
    made = bytearray()
    compress = deflate.PerMessageDeflate(True, True, 15, 15)
    for _ in range(random.randrange(1, 7)):
        opcode = random.choice([*frames.Opcode, frames.Opcode.TEXT, frames.Opcode.CONT])
        is_control = opcode >= frames.Opcode.CLOSE
        data = b"x" * (0 if is_control else random.choice(SIZES))
        frame = frames.Frame(opcode, data, fin=is_control or random.random() < 0.6)
        begins = opcode in {frames.Opcode.TEXT, frames.Opcode.BINARY}
        extensions = [compress] if frame.fin and begins and random.random() < 0.3 else []
        made += frame.serialize(mask=random.random() < 0.98, extensions=extensions)
        if random.random() < 0.05:
            made[random.randrange(len(made))] ^= 1 << random.randrange(8)
    return bytes(made)


def whole(received: list[frames.Frame]) -> list[bytes | frames.Frame]:
    """Put frames together: messages, and what stands between."""
    taken: list[bytes | frames.Frame] = []
    pieces: list[bytes] = []
    for frame in received:
        if frame.opcode >= frames.Opcode.CLOSE:
            taken.append(frame)
            continue
        pieces.append(bytes(frame.data))
        if frame.fin:
            taken.append(b"".join(pieces))
            pieces.clear()
    return taken


def test_messages_and_ends_are_those_that_the_library_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_bytes", lambda size: b"mask"[:size])  # the same frames each time
    random = Random(6455)
    ends = set[int | None]()
    for _ in range(2000):
        data = some_frames(random)
        library = protocol.Protocol(protocol.Side.SERVER, max_size=LIMIT)
        ours = protocol.Protocol(protocol.Side.SERVER)
        for each in (library, ours):
            each.extensions = [deflate.PerMessageDeflate(True, True, 15, 15)]
        library.receive_data(data)
        expected = whole([event for event in library.events_received() if isinstance(event, frames.Frame)])

        incoming, taken = Incoming(ours, LIMIT), list[bytes | frames.Frame]()
        messages = incoming.messages()
        while True:
            while (message := next(messages)) is not None:
                if not isinstance(message, frames.Frame):
                    taken.append(message if isinstance(message, bytes) else message.encode())
                elif message.opcode >= frames.Opcode.CLOSE:
                    taken.append(message)
            if not data:
                break
            cut = random.choice((1, 3, 50, 1000))
            incoming.feed(data[:cut])
            data = data[cut:]

        code = None if ours.close_sent is None else ours.close_sent.code
        ends.add(code)
        if code == 1007:  # found as soon as the text is taken, which the library leaves to others
            assert taken == expected[: len(taken)]
        else:
            assert taken == expected
            assert (ours.close_sent, ours.close_rcvd) == (library.close_sent, library.close_rcvd)
            assert b"".join(ours.data_to_send()) == b"".join(library.data_to_send())
        assert incoming.is_over == (code is not None)
    assert ends >= {None, 1002, 1005, 1007, 1009}
