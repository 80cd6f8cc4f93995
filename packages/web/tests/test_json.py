"""JSON as it goes into a response: what the standard library writes, in less time."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eyewall.web import Application, RequestHandler
from eyewall.web.testing import AppClient

VALUES: list[dict[Any, Any]] = [
    {},
    {"a": [1, 2.5, None, True, 'é\u2028\ud83c\udf00\x00"\\'], "b": {"c": ()}},
    {"nan": float("nan"), "inf": [float("inf"), -float("inf")], "big": 10**30},
    {1: "int", 2.5: "float", False: "false", None: "null"},
    {"deep": json.loads("[" * 300 + "]" * 300)},
]


async def written(value: dict[Any, Any]) -> str:
    class Writes(RequestHandler):
        def get(self) -> None:
            try:
                self.write(value)
            except Exception as error:
                self.finish(repr(error))

    return (await AppClient(Application([("/", Writes)])).get("/")).text


@pytest.mark.parametrize("value", VALUES, ids=["empty", "texts", "numbers", "keys", "deep"])
async def test_a_dict_is_written_as_json_dumps_writes_it(value: dict[Any, Any]) -> None:
    assert await written(value) == json.dumps(value)


async def test_a_dict_that_holds_itself_is_refused_as_json_dumps_refuses_it() -> None:
    value: dict[str, Any] = {}
    value["self"] = [value]
    assert await written(value) == repr(ValueError("Circular reference detected"))


async def test_a_value_that_json_does_not_know_is_refused_as_json_dumps_refuses_it() -> None:
    assert await written({"a": {1}}) == repr(TypeError("Object of type set is not JSON serializable"))
    assert "keys must be str, int, float, bool or None, not tuple" in await written({(1,): 1})
