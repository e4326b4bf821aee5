"""Requests of administrators that the driver does not have: passwords (KIP-554), quotas (KIP-546), and ACLs in bulk."""

# The driver has no types:
# mypy: disable-error-code="misc"
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiokafka.protocol.admin import CreateAclsRequest_v1, DeleteAclsRequest_v1, DescribeAclsRequest_v1
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactBytes,
    CompactString,
    Float64,
    Int8,
    Int16,
    Int32,
    Schema,
    String,
    TaggedFields,
)

__all__ = ["AlterPasswords", "AlterQuotas", "CreateAcls", "DeleteAcls", "DescribeAcls"]


class _AlterPasswordsResponse(Response):
    API_KEY = 51
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "results",
            CompactArray(
                ("user", CompactString("utf-8")),
                ("error_code", Int16),
                ("error_message", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterPasswordsRequest(RequestStruct):
    """AlterUserScramCredentials."""

    API_KEY = 51
    API_VERSION = 0
    FLEXIBLE_VERSION = True
    RESPONSE_TYPE = _AlterPasswordsResponse
    SCHEMA = Schema(
        (
            "deletions",
            CompactArray(("name", CompactString("utf-8")), ("mechanism", Int8), ("tags", TaggedFields)),
        ),
        (
            "upsertions",
            CompactArray(
                ("name", CompactString("utf-8")),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _AlterQuotasResponse(Response):
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "entries",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("entity", Array(("type", String("utf-8")), ("name", String("utf-8")))),
            ),
        ),
    )


class _AlterQuotasRequest(RequestStruct):
    """AlterClientQuotas."""

    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _AlterQuotasResponse
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", Array(("type", String("utf-8")), ("name", String("utf-8")))),
                ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean))),
            ),
        ),
        ("validate_only", Boolean),
    )


class AlterPasswords(Request[_AlterPasswordsRequest]):
    API_KEY = 51

    def __init__(self, upsertions: Sequence[tuple[str, int, int, bytes, bytes]]) -> None:
        """`upsertions`: user, mechanism, iterations, salt and salted password."""
        self._upsertions = upsertions

    def build(self, request_struct_class: type[_AlterPasswordsRequest]) -> _AlterPasswordsRequest:
        return request_struct_class([], [(*upsertion, {}) for upsertion in self._upsertions], {})


class AlterQuotas(Request[_AlterQuotasRequest]):
    API_KEY = 49

    def __init__(self, quotas: Sequence[tuple[str, Sequence[tuple[str, float]]]]) -> None:
        """`quotas`: user, and its values by name."""
        self._quotas = quotas

    def build(self, request_struct_class: type[_AlterQuotasRequest]) -> _AlterQuotasRequest:
        entries = [([("user", user)], [(key, value, False) for key, value in ops]) for user, ops in self._quotas]
        return request_struct_class(entries, False)


class DescribeAcls(Request[DescribeAclsRequest_v1]):
    API_KEY = 29

    def build(self, request_struct_class: type[DescribeAclsRequest_v1]) -> Any:
        any_ = 1
        return request_struct_class(any_, None, any_, None, None, any_, any_)


class CreateAcls(Request[CreateAclsRequest_v1]):
    API_KEY = 30

    def __init__(self, acls: Sequence[tuple[int, str, int, str, str, int, int]]) -> None:
        """`acls`: type, name and pattern of the resource, principal, host, operation and permission."""
        self._acls = acls

    def build(self, request_struct_class: type[CreateAclsRequest_v1]) -> Any:
        return request_struct_class(list(self._acls))


class DeleteAcls(Request[DeleteAclsRequest_v1]):
    API_KEY = 31

    def __init__(self, acls: Sequence[tuple[int, str, int, str, str, int, int]]) -> None:
        """`acls`: as of CreateAcls."""
        self._acls = acls

    def build(self, request_struct_class: type[DeleteAclsRequest_v1]) -> Any:
        return request_struct_class(list(self._acls))
