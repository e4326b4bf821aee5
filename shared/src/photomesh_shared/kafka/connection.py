"""How clients connect to Kafka: addresses, encryption, login."""

from __future__ import annotations

import ssl
from typing import Any

from photomesh_shared.settings import KafkaSettings

__all__ = ["connection_options"]


def connection_options(settings: KafkaSettings) -> dict[str, Any]:
    """Return the options that all clients of the driver share."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security_protocol,
    }
    if settings.kafka_security_protocol.endswith("SSL"):
        options["ssl_context"] = ssl.create_default_context(cafile=settings.kafka_ca_file)
    if settings.kafka_security_protocol.startswith("SASL_"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
        }
    return options
