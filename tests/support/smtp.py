"""A mail server on loopback that takes every mail and remembers it."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message

HOST = "127.0.0.1"


class Mailbox:
    """The messages that the server was sent."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[Message] = []
        self.recipients: list[str] = []


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Start the server."""

    class Handler(socketserver.StreamRequestHandler):
        def answer(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def handle(self) -> None:
            self.answer("220 loopback")
            while line := self.rfile.readline():
                command = line.decode().strip()
                verb = command.partition(" ")[0].upper()
                if verb == "DATA":
                    self.answer("354 go on")
                    lines = []
                    while (line := self.rfile.readline()) not in (b".\r\n", b""):
                        lines.append(line.removeprefix(b"."))
                    box.mails.append(message_from_bytes(b"".join(lines)))
                elif verb == "RCPT":
                    box.recipients.append(command.partition(":")[2].strip("<>"))
                self.answer("221 bye" if verb == "QUIT" else "250 ok")
                if verb == "QUIT":
                    return

    server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
    server.daemon_threads = True
    box = Mailbox(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield box
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
