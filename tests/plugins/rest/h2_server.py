"""An HTTP/2 server on loopback, over TLS: it answers each request with its headers."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h2.config
import h2.connection
import h2.events

HOST = "127.0.0.1"


@contextmanager
def serving_h2(certificate: Path) -> Iterator[str]:
    """Start it; gives the URL."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["h2"])
    with socket.create_server((HOST, 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=serve, args=(client,), daemon=True).start()

        def serve(client: socket.socket) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(client, server_side=True) as secure,
            ):
                _answer(secure)

        threading.Thread(target=accept, daemon=True).start()
        yield f"https://{HOST}:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _answer(client: ssl.SSLSocket) -> None:
    config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    client.sendall(connection.data_to_send())
    while data := client.recv(65_536):
        for event in connection.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                body = json.dumps(dict(event.headers)).encode()
                connection.send_headers(event.stream_id, [(":status", "200")])
                connection.send_data(event.stream_id, body, end_stream=True)
        client.sendall(connection.data_to_send())
