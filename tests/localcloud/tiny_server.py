"""A hosting container in forty lines: answers with its model's text and what it was sent."""

import contextlib
import http.server
import json
import os
import sys
import time
from pathlib import Path

MODE = os.environ.get("TINY_MODE", "ok")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(500 if MODE == "unhealthy" else 200, b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if MODE == "failing":
            self._answer(500, b"the model failed")
        elif body == b"bad row":
            self._answer(400, b"row 1: column age is missing")
        elif body == b"crash":
            os._exit(9)
        elif body == b"break off":
            self._promise(b"{")
        elif body == b"drip":
            self._promise(*[b" "] * 20)
        else:
            self._answer(200, json.dumps(self._report(body)).encode())

    def _promise(self, *pieces: bytes) -> None:
        """Pieces of an answer that is never whole, one every 0.1 s."""
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        with contextlib.suppress(OSError):  # whoever asked has gone
            for piece in pieces:
                self.wfile.write(piece)
                time.sleep(0.1)
        self.close_connection = True

    def _report(self, body: bytes) -> dict[str, object]:
        model = Path(os.environ["SAGEMAKER_BASE_DIR"], "model", "model.txt")
        return {
            "model": model.read_text() if model.is_file() else None,
            "body": body.decode(),
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "arguments": sys.argv[1:],
            "pid": os.getpid(),
            "credentials": "AWS_SECRET_ACCESS_KEY" in os.environ,
            "environment": {k: v for k, v in os.environ.items() if k.startswith("TEST_")},
        }

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        custom = self.headers.get("X-Amzn-SageMaker-Custom-Attributes")
        if custom is not None:
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", f"seen {custom}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


if MODE == "exit":
    sys.exit(3)
address = (os.environ["WARMFOLD_BIND_HOST"], int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
