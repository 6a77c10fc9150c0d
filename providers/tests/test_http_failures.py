"""What a provider's server may do to a request, and what may be done next. Over real sockets."""

import contextlib
import gzip
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from providers import http
from providers.errors import OutcomeUnknown, Rejected, Unavailable

Script = Callable[[socket.socket, bytes], bool | None]


class Server:
    """Answers each request of each connection by a script; counts both. A script returns True to be asked again."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.connections = 0
        self.requests: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/call"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                while request := self._read(connection):
                    self.requests.append(request)
                    if not self._script(connection, request):
                        return
            except OSError:
                return

    def _read(self, connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := connection.recv(65536)):
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Script], Server]]:
    servers: list[Server] = []

    def start(script: Script) -> Server:
        servers.append(Server(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
    http._adapter().close()


Serve = Callable[[Script], Server]


def answer(body: bytes, *, status: str = "201 Created", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


def says(data: bytes) -> Script:
    def script(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(data)
        return True

    return script


def post(url: str, **options: object) -> http.Answer:
    return http.send("POST", url, json={"a": "ü"}, **({"timeout_s": 2.0} | options))  # type: ignore[arg-type]


def test_sends_json_as_utf8_once(serve: Serve) -> None:
    server = serve(says(answer(b"{}")))
    got = post(server.url, headers={"Authorization": "Bearer k"})
    assert (got.status, got.body) == (201, "{}")
    (request,) = server.requests
    assert request.startswith(b"POST /call HTTP/1.1\r\n")
    assert b"Content-Type: application/json\r\n" in request
    assert b"Authorization: Bearer k\r\n" in request
    assert request.endswith('\r\n\r\n{"a":"ü"}'.encode())


def test_sends_forms_queries_and_basic_credentials(serve: Serve) -> None:
    server = serve(says(answer(b"ok")))
    http.send("POST", server.url, form={"To": "whatsapp:+1", "Body": "a b&c"}, basic_auth=("AC1", "s"), timeout_s=2)
    http.send("GET", server.url, query={"createdAtGe": "2026-06-07T13:03:37.162Z"}, timeout_s=2)
    assert server.requests[0].endswith(b"\r\n\r\nTo=whatsapp%3A%2B1&Body=a+b%26c")
    assert b"Authorization: Basic QUMxOnM=\r\n" in server.requests[0]
    assert server.requests[1].startswith(b"GET /call?createdAtGe=2026-06-07T13%3A03%3A37.162Z HTTP/1.1\r\n")


def test_keeps_connections_for_the_next_request(serve: Serve) -> None:
    server = serve(says(answer(b"{}")))
    for _ in range(3):
        post(server.url)
    assert (len(server.requests), server.connections) == (3, 1)


def test_keeps_connections_after_chunked_answers(serve: Serve) -> None:
    server = serve(says(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
    assert [post(server.url).body for _ in range(3)] == ["{}"] * 3
    assert server.connections == 1


def test_takes_a_fresh_connection_when_the_kept_one_was_closed_meanwhile(serve: Serve) -> None:
    def once(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(answer(b"{}"))

    server = serve(once)
    for _ in range(3):
        assert post(server.url).status == 201
        time.sleep(0.05)
    assert server.connections == 3


def test_a_kept_connection_that_dies_during_the_request_leaves_the_outcome_unknown(serve: Serve) -> None:
    def first_only(connection: socket.socket, _request: bytes) -> bool:
        if len(server.requests) == 1:
            connection.sendall(answer(b"{}"))
            return True
        return False

    server = serve(first_only)
    post(server.url)
    with pytest.raises(OutcomeUnknown):
        post(server.url)
    assert len(server.requests) == 2


def test_quotes_html_without_charset_as_utf8(serve: Serve) -> None:
    page = "<h1>Fehlerhaftes Gateway – 不正</h1>".encode()
    server = serve(says(answer(page, status="502 Bad Gateway", more="Content-Type: text/html\r\n")))
    got = post(server.url)
    assert (got.status, got.body) == (502, "<h1>Fehlerhaftes Gateway – 不正</h1>")


def test_cuts_a_body_of_8_mb_at_64_kb_and_goes_on_with_the_next(serve: Serve) -> None:
    big = answer(b"x" * 8 * 1024 * 1024, status="500 No")

    def script(connection: socket.socket, _request: bytes) -> bool:
        connection.sendall(big if len(server.requests) == 1 else answer(b"{}"))
        return True

    server = serve(script)
    started = time.monotonic()
    assert len(post(server.url).body) == 65_536
    assert time.monotonic() - started < 1
    assert post(server.url).body == "{}"


def test_cuts_at_64_kb_of_utf8_never_within_a_character(serve: Serve) -> None:
    for body in ("ü" * 40_000, "a" + "ü" * 40_000, "\udcff" * 70_000):
        server = serve(says(answer(body.encode("utf-8", "surrogateescape"))))
        got = post(server.url).body
        assert 65_533 <= len(got.encode()) <= 65_536


def test_cuts_a_compressed_body_by_what_it_unpacks_to(serve: Serve) -> None:
    packed = gzip.compress(b"x" * 64 * 1024 * 1024)
    server = serve(says(answer(packed, more="Content-Encoding: gzip\r\n")))
    assert len(post(server.url).body) == 65_536


def test_a_body_that_lies_about_its_compression_leaves_the_outcome_unknown(serve: Serve) -> None:
    server = serve(says(answer(b"not gzip at all", more="Content-Encoding: gzip\r\n")))
    with pytest.raises(OutcomeUnknown):
        post(server.url)


def test_refused_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unavailable) as caught:
        post(f"http://127.0.0.1:{port}/call")
    assert caught.value.message == "connection refused"


def test_unknown_host_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable) as caught:
        post("http://vapi.invalid/call")
    assert caught.value.message == "host not found"


def test_connecting_for_too_long_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object, **__: object) -> None:
        raise TimeoutError("timed out")

    monkeypatch.setattr("urllib3.util.connection.create_connection", slow)
    with pytest.raises(Unavailable) as caught:
        post("http://127.0.0.1:9/call")
    assert caught.value.message == "timed out"


def test_a_failed_tls_handshake_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak_no_tls() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 no TLS here\r\n\r\n")
                connection.recv(65536)

        thread = threading.Thread(target=speak_no_tls)
        thread.start()
        with pytest.raises(Unavailable) as caught:
            post(f"https://127.0.0.1:{listener.getsockname()[1]}/call")
        thread.join()
    assert caught.value.message == "TLS handshake failed"


def test_a_certificate_that_nobody_vouches_for_is_unavailable(tmp_path: Path) -> None:
    subprocess.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 "
        f"-keyout {tmp_path}/key.pem -out {tmp_path}/cert.pem".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_securely() -> None:
            connection, _ = listener.accept()
            with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                received.append(secure.recv(65536))

        thread = threading.Thread(target=answer_securely)
        thread.start()
        with pytest.raises(Unavailable) as caught:
            post(f"https://127.0.0.1:{listener.getsockname()[1]}/call")
        thread.join()
    assert caught.value.message == "TLS handshake failed"
    assert received in ([], [b""])


def test_no_answer_in_time_leaves_the_outcome_unknown(serve: Serve) -> None:
    def say_nothing(_connection: socket.socket, _request: bytes) -> None:
        time.sleep(2)

    server = serve(say_nothing)
    with pytest.raises(OutcomeUnknown) as caught:
        post(server.url, timeout_s=0.2)
    assert caught.value.message == "timed out"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 201 Created\r\nX-Drip: ", answer(b"x" * 1000)[:-1000]])
def test_one_byte_now_and_then_does_not_hold_a_thread_for_hours(serve: Serve, head: bytes) -> None:
    def drip(connection: socket.socket, _request: bytes) -> None:
        connection.sendall(head)
        for _ in range(40):
            time.sleep(0.1)
            connection.sendall(b"x")

    server = serve(drip)
    started = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        post(server.url, timeout_s=0.5)
    assert time.monotonic() - started < 2


def test_what_little_time_was_left_does_not_count_for_the_next_request(serve: Serve) -> None:
    def late_and_then_slow_to_read(connection: socket.socket, _request: bytes) -> bool:
        time.sleep(0.9)
        connection.sendall(answer(b"{}"))
        time.sleep(0.4)
        return True

    server = serve(late_and_then_slow_to_read)
    assert post(server.url, timeout_s=1).status == 201
    big = {"pad": "x" * 16 * 1024 * 1024}
    assert http.send("POST", server.url, timeout_s=2, json=big).status == 201
    assert server.connections == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense\r\n\r\n",
        answer(b"x" * 100)[:-50],
        b"HTTP/1.1 201 OK\r\nContent-Length: 5\r\n",
    ],
)
def test_an_answer_that_breaks_off_leaves_the_outcome_unknown(serve: Serve, data: bytes) -> None:
    server = serve(lambda connection, _request: connection.sendall(data))
    with pytest.raises(OutcomeUnknown):
        post(server.url)
    assert len(server.requests) == 1


def test_a_reset_leaves_the_outcome_unknown(serve: Serve) -> None:
    def reset(connection: socket.socket, _request: bytes) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    server = serve(reset)
    with pytest.raises(OutcomeUnknown) as caught:
        post(server.url)
    assert caught.value.message == "connection closed before the answer was complete"


def test_redirects_are_not_followed(serve: Serve) -> None:
    server = serve(says(answer(b"", status="307 Temporary Redirect", more="Location: http://127.0.0.1:9/\r\n")))
    assert post(server.url).status == 307
    assert len(server.requests) == 1


def test_the_environments_proxies_are_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = serve(says(answer(b"{}")))
    assert post(server.url).status == 201


@pytest.mark.parametrize("key", ["two\r\nX-Evil: 1", "curly’quote", "tab\t"])
def test_a_credential_that_no_header_can_carry_is_refused_before_anything_is_sent(serve: Serve, key: str) -> None:
    server = serve(says(answer(b"{}")))
    with pytest.raises(Rejected) as caught:
        post(server.url, headers={"Authorization": f"Bearer {key}"})
    assert caught.value.message == "a credential holds a character that can't be sent; enter it again"
    assert server.requests == []


def test_many_threads_share_the_pool(serve: Serve) -> None:
    server = serve(says(answer(b"{}")))
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(post(server.url).status)) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 60
