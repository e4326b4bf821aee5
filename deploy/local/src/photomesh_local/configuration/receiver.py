"""The receiver of a stack: an HTTPS address of this machine that the stack's programs may call, although it is not
public. To try out pushes or webhooks, listen there; nothing of the stack does.

Each stack has a loopback address of its own, as there are only two ports that pushes and webhooks go to.
"""

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

__all__ = ["RECEIVER_PORT", "address_of", "certificate_of"]

RECEIVER_PORT = 8443

_LASTS = timedelta(days=3_650)


def address_of(offset: int) -> str:
    """Of the stack whose ports are so much higher than the first one's."""
    high, low = divmod(offset, 250)
    return f"127.18.{high}.{1 + low}"


def certificate_of(folder: Path, host: str) -> Path:
    """The file with the receiver's certificate and its key, made when it is first asked for. It vouches for itself."""
    file = folder / "receiver.pem"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as written:
            written.write(_certificate_and_key(host))
        try:
            os.link(draft, file)  # unlike a renaming: of two who do this at a time, the first wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return file


def _certificate_and_key(host: str) -> bytes:
    # Needed once in a stack's life, and slow to import.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Photomesh, local receiver")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _LASTS)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM) + private
