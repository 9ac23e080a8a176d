"""What the tests stand on: real S3 servers on loopback, and a proxy that delays, counts and breaks their answers."""

from tests.support.s3faults import Exchange, Fault, Rule
from tests.support.s3proxy import S3Proxy, s3_proxy
from tests.support.s3server import S3Server, moto_server, s3_server

__all__ = ["Exchange", "Fault", "Rule", "S3Proxy", "S3Server", "moto_server", "s3_proxy", "s3_server"]
