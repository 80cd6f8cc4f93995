"""HTTPServerRequest and its arguments, by themselves."""

from __future__ import annotations

import tracemalloc
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyewall.httpserver import HTTPFile, HTTPHeaders, HTTPInputError, HTTPServerRequest, RequestStartLine
from eyewall.httpserver._arguments import parse_arguments
from eyewall.httpserver.testing import RecordingConnection
from eyewall.ioloop.testing import SimulatedLoop
from eyewall.iostream import TLSInfo


def request(uri: str = "/", body: bytes = b"", **fields: str) -> HTTPServerRequest:
    headers = HTTPHeaders({name.replace("_", "-"): value for name, value in fields.items()})
    return HTTPServerRequest(start_line=RequestStartLine("POST", uri, "HTTP/1.1"), headers=headers, body=body)


@pytest.mark.parametrize(
    ("uri", "path", "query"),
    [
        ("/", "/", ""),
        ("/a%20b?c=%20", "/a%20b", "c=%20"),
        ("/a?b?c", "/a", "b?c"),
        ("//a/b", "//a/b", ""),
        ("/a:b//c?", "/a:b//c", ""),
        ("http://h/a?b", "/a", "b"),
        ("http://h?b=/c", "/", "b=/c"),
        ("http://h", "/", ""),
        ("*", "*", ""),
    ],
)
def test_a_target_has_a_path_and_a_query(uri: str, path: str, query: str) -> None:
    assert (request(uri).path, request(uri).query) == (path, query)


@pytest.mark.parametrize(
    ("uri", "host", "full", "name"),
    [
        ("/x", "A.b:80", "A.b:80", "a.b"),
        ("/x", "[::1]", "[::1]", "[::1]"),
        ("/x", "[::1]:80", "[::1]:80", "[::1]"),
        ("http://c:1/x", "a", "c:1", "c"),
        ("http://c?x=/", "a", "c", "c"),
        ("/x", "", "127.0.0.1", "127.0.0.1"),
    ],
)
def test_the_host_is_the_targets_or_the_fields(uri: str, host: str, full: str, name: str) -> None:
    assert (request(uri, Host=host).host, request(uri, Host=host).host_name) == (full, name)


def test_a_request_says_the_whole_url() -> None:
    assert request("/a?b", Host="h").full_url() == "http://h/a?b"
    assert request("http://h/a?b").full_url() == "http://h/a?b"
    assert request("*", Host="h").full_url() == "http://h"


def test_arguments_are_those_of_query_and_form_together() -> None:
    form = request("/?a=1&b=2", b"b=3&c=%C3%A9+x", Content_Type="application/x-www-form-urlencoded; charset=utf-8")
    assert form.query_arguments == {"a": [b"1"], "b": [b"2"]}
    assert form.body_arguments == {"b": [b"3"], "c": [b"\xc3\xa9 x"]}
    assert form.arguments == {"a": [b"1"], "b": [b"2", b"3"], "c": [b"\xc3\xa9 x"]}
    assert form.query_arguments == {"a": [b"1"], "b": [b"2"]}


def test_a_body_that_is_no_form_has_no_arguments() -> None:
    assert request(body=b"a=1", Content_Type="text/plain").body_arguments == {}
    assert request(body=b"a=1").body_arguments == {}


def test_a_compressed_form_is_refused() -> None:
    with pytest.raises(HTTPInputError, match="Unsupported Content-Encoding") as caught:
        _ = request(body=b"x", Content_Type="application/x-www-form-urlencoded", Content_Encoding="gzip").arguments
    assert caught.value.status == 415


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("", {}),
        ("a", {"a": [b""]}),
        ("a=&&b==", {"a": [b""], "b": [b"="]}),
        ("a=1&a=2", {"a": [b"1", b"2"]}),
        ("%C3%A9=%E9", {"é": [b"\xe9"]}),
        ("%E9=1", {"é": [b"1"]}),
        ("a=%", {"a": [b"%"]}),
        ("a=1;b=2", {"a": [b"1;b=2"]}),
        ("a=\xe9", {"a": [b"\xe9"]}),
    ],
)
def test_arguments_are_decoded(text: str, arguments: dict[str, list[bytes]]) -> None:
    assert request("/?" + text).query_arguments == arguments


@given(st.lists(st.sampled_from([b"%", b"=", b"+", b"a", b"4", b"1", b"\\", b"\xe9", b"\n", b"%41", b"%e9", b"%5C"])))
def test_escapes_are_undone_as_the_standard_library_undoes_them(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    assert parse_arguments(b"a=" + data, 1) == {"a": [unquote_to_bytes(data.replace(b"+", b" "))]}


@pytest.mark.parametrize("piece", [b"%41", b"%5C", b"+", b"\\", b"\xe9"])
def test_a_large_form_costs_a_few_times_its_size(piece: bytes) -> None:
    body = b"a=" + piece * 200_000
    tracemalloc.start()
    try:
        form = request("/", body, Content_Type="application/x-www-form-urlencoded")
        assert len(form.body_arguments["a"]) == 1
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 10 * len(body)


@pytest.mark.parametrize("piece", ["%", "%a", "%%41", "%4x"])
def test_percent_signs_that_begin_no_escape_stay_where_they_are_few(piece: str) -> None:
    few = request("/?a=" + piece * 999).query_arguments["a"]
    assert few == [unquote_to_bytes(piece * 999)]
    with pytest.raises(HTTPInputError, match="write them as %25"):
        _ = request("/?a=" + piece * 1000).query_arguments


def test_a_query_beyond_bytes_is_refused() -> None:
    with pytest.raises(HTTPInputError, match="percent-encode it"):
        _ = request("/?a=€").query_arguments


def test_there_are_no_more_than_a_thousand_arguments() -> None:
    assert len(request("/?" + "&".join(f"a{i}=" for i in range(1000))).query_arguments) == 1000
    with pytest.raises(HTTPInputError, match="more than 1000 arguments"):
        _ = request("/?" + "&" * 1000).query_arguments


def test_what_a_program_sets_stays() -> None:
    form = request("/?a=1")
    form.arguments["b"] = [b"2"]
    assert form.arguments == {"a": [b"1"], "b": [b"2"]}
    form.remote_ip = "192.0.2.9"
    form.protocol = "https"
    form.host = "example.org:8"
    assert (form.remote_ip, form.full_url(), form.host_name) == (
        "192.0.2.9",
        "https://example.org:8/?a=1",
        "example.org",
    )


def test_a_form_with_files_has_arguments_and_files() -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="n.txt"\r\n\r\n2\r\n--x--\r\n'
    )
    form = request("/?a=0", body, Content_Type="multipart/form-data; boundary=x")
    assert form.arguments == {"a": [b"0", b"1"]}
    assert [file.body for file in form.files["f"]] == [b"2"]


def test_files_and_host_can_be_given() -> None:
    file = HTTPFile("a", b"b", "c")
    made = HTTPServerRequest("GET", "/", host="h", files={"f": [file]})
    assert (made.host, made.files) == ("h", {"f": [file]})


def test_cookies_are_morsels_of_all_cookie_fields() -> None:
    asked = request()
    asked.headers.add("Cookie", 'a=1; b="x\\054y"; c d=e; =f')
    asked.headers.add("Cookie", "a=2")
    assert {name: morsel.value for name, morsel in asked.cookies.items()} == {"a": "2", "b": "x,y"}
    assert request().cookies == {}


@given(st.lists(st.tuples(st.text("ab-.:é $Path", max_size=6), st.text('ab"é =,', max_size=4))))
def test_one_cookie_is_what_it_is_among_all(pairs: list[tuple[str, str]]) -> None:
    field = "; ".join([f"{name}={value}" for name, value in [*pairs, ("path", "1"), ("Max-Age", "1"), ("a", '"b c"')]])
    all_of_them = {name: morsel.value for name, morsel in request(Cookie=field).cookies.items()}
    alone = request(Cookie=field)
    for name in {"a", "path", "Max-Age", "none", *(name.strip() for name, _ in pairs)}:
        assert alone.get_cookie(name) == all_of_them.get(name)
        assert alone.get_cookie(name) == all_of_them.get(name)


def test_one_cookie_is_looked_for_among_those_that_a_program_has_set() -> None:
    asked = request(Cookie="a=1; b=2")
    assert asked.get_cookie("a") == "1"
    del asked.cookies["a"]
    asked.cookies["b"].set("b", "3", "3")
    assert (asked.get_cookie("a"), asked.get_cookie("b")) == (None, "3")


def test_a_client_has_a_certificate_where_tls_has_one() -> None:
    assert HTTPServerRequest().get_ssl_certificate() is None
    with SimulatedLoop() as io_loop:
        plain = HTTPServerRequest(connection=RecordingConnection(io_loop))
        tls = TLSInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", None, {"serialNumber": "01"}, b"der")
        known = HTTPServerRequest(connection=RecordingConnection(io_loop, tls=tls))
    assert plain.get_ssl_certificate() is None
    assert known.get_ssl_certificate() == {"serialNumber": "01"}
    assert known.get_ssl_certificate(binary_form=True) == b"der"


def test_a_request_knows_its_client_by_its_connection() -> None:
    with SimulatedLoop() as io_loop:
        over_a_connection = HTTPServerRequest("GET", "/", connection=RecordingConnection(io_loop))
    assert over_a_connection.remote_ip == "192.0.2.1"
    assert over_a_connection.protocol == "http"
    assert "GET '/'" in repr(over_a_connection)


def test_a_request_made_by_hand_has_defaults() -> None:
    bare = HTTPServerRequest()
    assert (bare.method, bare.uri, bare.path, bare.body, bare.version) == ("GET", "/", "/", b"", "HTTP/1.0")
    assert (bare.remote_ip, bare.protocol) == ("0.0.0.0", "http")
    assert bare.request_time() >= 0
    bare.anything = "kept"  # type: ignore[attr-defined]  # as Tornado's: a place for what a program adds
    assert vars(bare)["anything"] == "kept"
