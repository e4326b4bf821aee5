"""The backing servers, one module each: how it is prepared, started, and known to be ready."""

from photomesh_local.servers import cassandra, kafka, mail, opensearch, postgres, redis, seaweedfs, varnish
from photomesh_local.servers.base import Server

SERVERS: dict[str, Server] = {
    server.name: server
    for server in (
        kafka.SERVER,
        cassandra.SERVER,
        postgres.SERVER,
        redis.SERVER,
        seaweedfs.SERVER,
        opensearch.SERVER,
        mail.SERVER,
        varnish.SHIELD,
        varnish.EDGE,
    )
}

__all__ = ["SERVERS", "Server"]
