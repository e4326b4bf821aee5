"""Sets the roles of an account, for operators: the first administrator is made by this command::

    python -m photomesh_identity.staff.appoint ada administrator --reason "Runs the platform"
    python -m photomesh_identity.staff.appoint ada --reason "Has left us"        # no roles any more

It is written to the audit log. Roles count for sessions that began with a second factor or a passkey.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Collection

from photomesh_identity.accounts.store import PostgresAccounts
from photomesh_identity.credentials.domain import normalize_username
from photomesh_identity.errors import AccountNotFound
from photomesh_identity.staff.domain import normalize_reason
from photomesh_identity.staff.service import StaffService
from photomesh_identity.staff.store import PostgresStaff
from photomesh_shared.clock import SystemClock
from photomesh_shared.errors import Unavailable
from photomesh_shared.settings import PostgresSettings
from photomesh_shared.stores.postgres import open_pool
from photomesh_shared.tokens.roles import Role

__all__ = ["main"]


async def _appoint(username: str, roles: Collection[Role], reason: str) -> frozenset[Role]:
    """Returns the roles that tokens of the account carry."""
    async with open_pool(PostgresSettings().postgres_dsn.get_secret_value(), size=2) as pool:
        account = await PostgresAccounts(pool).find_by_username(username)
        if account is None:
            raise AccountNotFound
        staff = StaffService(PostgresStaff(pool), SystemClock())
        await staff.set_roles(None, account.id, roles, reason)
        return await staff.roles_in_tokens(account.id)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="photomesh_identity.staff.appoint", description=__doc__)
    parser.add_argument("username")
    parser.add_argument("roles", nargs="*", help=", ".join(Role))
    parser.add_argument("--reason", required=True)
    parsed = parser.parse_args(arguments)
    try:
        roles, reason = set(map(Role, parsed.roles)), normalize_reason(parsed.reason)
        username = normalize_username(parsed.username)
    except ValueError as error:
        parser.error(str(error))
    try:
        effective = asyncio.run(_appoint(username, roles, reason))
    except AccountNotFound:
        print(f"there is no account {username}", file=sys.stderr)
        return 1
    except Unavailable as error:
        print(str(error), file=sys.stderr)
        return 1
    missing = roles - effective
    print(f"{username}: {', '.join(sorted(roles)) or 'no roles'}")
    if missing:
        print("no second factor yet: roles count once the account has an authenticator app or a passkey")
    return 0


if __name__ == "__main__":
    sys.exit(main())
