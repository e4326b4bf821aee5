"""What the settings of Kafka become."""

from __future__ import annotations

import ssl

import pytest
from pydantic import SecretStr, ValidationError

from photomesh_shared.kafka.connection import connection_options
from photomesh_shared.settings import KafkaSettings


def test_a_managed_kafka_is_verified_and_gets_a_login() -> None:
    for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
        settings = KafkaSettings.model_validate(
            {
                "kafka_bootstrap": "kafka.example:9093",
                "kafka_security_protocol": "SASL_SSL",
                "kafka_sasl_mechanism": mechanism,
                "kafka_user": "post",
                "kafka_password": SecretStr("secret"),
            }
        )
        options = connection_options(settings)
        context = options.pop("ssl_context")
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert options == {
            "bootstrap_servers": "kafka.example:9093",
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": mechanism,
            "sasl_plain_username": "post",
            "sasl_plain_password": "secret",
        }


def test_only_the_given_authority_is_trusted() -> None:
    settings = KafkaSettings(kafka_security_protocol="SSL", kafka_ca_file="/nowhere/ca.crt")
    with pytest.raises(FileNotFoundError):
        connection_options(settings)


def test_a_login_without_a_user_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHOTOMESH_KAFKA_USER", raising=False)
    with pytest.raises(ValidationError, match="PHOTOMESH_KAFKA_USER"):
        KafkaSettings(kafka_security_protocol="SASL_SSL")
