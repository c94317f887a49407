"""The Kubernetes API over TLS, with certificates as clusters have them."""

import datetime
import ipaddress
import json
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.util.ssl_ import create_urllib3_context

from components.shared.errors import InputError
from components.shared.mpijob.kubernetes_api import connect

PEM = serialization.Encoding.PEM


class Authority:
    """Without a key usage or key identifiers, as EKS and older clusters of GKE have it."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        ca = x509.BasicConstraints(ca=True, path_length=None)
        self.certificate = self._sign("kubernetes", self._key, ca, critical=True)

    def write_server(self, path) -> None:
        """Write key and certificate of a server on 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        names = x509.SubjectAlternativeName([address])
        certificate = self._sign("kube-apiserver", key, names, critical=False)
        private = key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + certificate.public_bytes(PEM))

    def _sign(self, name, key, extension, *, critical):
        now = datetime.datetime.now(datetime.UTC)
        subject, issuer = (
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
            for text in (name, "kubernetes")
        )
        builder = x509.CertificateBuilder(issuer, subject, key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        return builder.add_extension(extension, critical).sign(self._key, hashes.SHA256())


@pytest.fixture
def authority(cluster, tmp_path, monkeypatch):
    """Puts the fake cluster behind TLS, with the strict checks that Python 3.13 begins with."""

    def create_strict_context(*args, **options):
        context = create_urllib3_context(*args, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    for module in ("urllib3.connection", "components.shared.mpijob.kubernetes_api"):
        monkeypatch.setattr(f"{module}.create_urllib3_context", create_strict_context)
    authority = Authority()
    authority.write_server(tmp_path / "server.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.pem")
    cluster.serve_over(context)
    trust(cluster, authority, tmp_path)
    return authority


def trust(cluster, authority, folder) -> None:
    """Name an authority in the kubeconfig."""
    (folder / "ca.crt").write_bytes(authority.certificate.public_bytes(PEM))
    config = json.loads(cluster.kubeconfig.read_text())
    address = config["clusters"][0]["cluster"]
    address["server"] = address["server"].replace("http://", "https://")
    address["certificate-authority"] = str(folder / "ca.crt")
    cluster.kubeconfig.write_text(json.dumps(config))


@pytest.mark.usefixtures("authority")
def test_an_authority_without_key_identifiers_is_accepted():
    """As kubectl accepts it."""
    assert connect().read_pod("step")["metadata"]["name"] == "step"


@pytest.mark.usefixtures("authority")
def test_a_certificate_of_another_authority_is_rejected(cluster, tmp_path):
    """In one line that says where the trusted one is."""
    trust(cluster, Authority(), tmp_path)

    with pytest.raises(InputError, match=r"can't get the pod step: .*verify failed.*ca\.crt") as it:
        connect().read_pod("step")

    assert "\n" not in str(it.value)
