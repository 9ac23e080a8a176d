"""TLS in front of a server on loopback, with a certificate of an authority of its own."""

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"
DAY = datetime.timedelta(days=1)


def certificates(folder: Path, *hosts: str) -> tuple[Path, Path]:
    """Make an authority and a server certificate for loopback and hosts; the files of both, the second with its key."""
    authority, server = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "an authority of its own")]
    )
    now = datetime.datetime.now(datetime.UTC)

    def certificate(
        key: ec.EllipticCurvePrivateKey, *extensions: tuple[x509.ExtensionType, bool]
    ) -> bytes:
        builder = x509.CertificateBuilder(
            issuer_name=name,
            subject_name=name if key is authority else x509.Name([]),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - DAY,
            not_valid_after=now + DAY,
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(authority, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM
        )

    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address(HOST)), *map(x509.DNSName, hosts)]
    )
    (folder / "authority.pem").write_bytes(
        certificate(authority, (x509.BasicConstraints(True, None), True))
    )
    (folder / "server.pem").write_bytes(
        certificate(server, (names, True), (x509.BasicConstraints(False, None), True))
        + server.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "authority.pem", folder / "server.pem"


@contextmanager
def tls_front(upstream: str, certificate: Path) -> Iterator[str]:
    """Serve TLS in front of an endpoint; gives the new endpoint."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    target = urlsplit(upstream)
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
                socket.create_connection((target.hostname, target.port)) as server,
            ):
                threading.Thread(
                    target=_pass, args=(server, secure), daemon=True
                ).start()
                _pass(secure, server)

        threading.Thread(target=accept, daemon=True).start()
        yield f"https://{HOST}:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def connect_proxy(upstream: str) -> Iterator[str]:
    """Serve a proxy that leads each CONNECT, to whatever host, to one endpoint; gives the proxy's URL."""
    target = urlsplit(upstream)
    with socket.create_server((HOST, 0)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=serve, args=(client,), daemon=True).start()

        def serve(client: socket.socket) -> None:
            with (
                suppress(OSError),
                client,
                socket.create_connection((target.hostname, target.port)) as server,
            ):
                asked = b""
                while not asked.endswith(b"\r\n\r\n"):
                    asked += client.recv(1)
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                threading.Thread(
                    target=_pass, args=(server, client), daemon=True
                ).start()
                _pass(client, server)

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://{HOST}:{listener.getsockname()[1]}"
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def _pass(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_RDWR)
