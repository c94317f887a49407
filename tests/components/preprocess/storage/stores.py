"""Object stores over HTTP, on this machine, with the credentials that their clients ask for."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.components.object_stores import google_server, s3_server

BUCKET = "books"


class _TokenHandler(BaseHTTPRequestHandler):
    """What oauth2.googleapis.com/token answers."""

    def do_POST(self):
        body = json.dumps({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


@contextmanager
def google_store(folder) -> Iterator[dict[str, str]]:
    """Google Cloud Storage, an empty bucket; yields the environment that leads to it."""
    with (
        google_server(BUCKET) as url,
        ThreadingHTTPServer(("127.0.0.1", 0), _TokenHandler) as tokens,
    ):
        threading.Thread(target=tokens.serve_forever, daemon=True).start()
        try:
            port = tokens.server_address[1]
            key = _write_service_account(folder, f"http://127.0.0.1:{port}/token")
            yield {
                "STORAGE_EMULATOR_HOST": url,
                "GOOGLE_APPLICATION_CREDENTIALS": str(key),
            }
        finally:
            tokens.shutdown()


@contextmanager
def s3_store(_) -> Iterator[dict[str, str]]:
    """S3, an empty bucket; yields the environment that leads to it."""
    import boto3

    with s3_server() as url:
        environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            region_name="us-east-1",
        ).create_bucket(Bucket=BUCKET)
        yield environment


def _write_service_account(folder, token_address):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "service-account.json"
    path.write_text(
        json.dumps(
            {
                "type": "service_account",
                "project_id": "test",
                "client_email": "test@test.iam.gserviceaccount.com",
                "private_key": key.decode(),
                "token_uri": token_address,
            }
        )
    )
    return path
