"""Who sent a request: an address, and the name that a proxy gives the client's API key."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}", re.ASCII)
PEER = re.compile(r"[0-9A-Za-z.:%_-]{1,64}", re.ASCII)

MAPPED = "::ffff:"

MOST_PROXIES = 8
"""How many addresses of `X-Forwarded-For` are looked at, from its end."""


class Client(NamedTuple):
    """Both are empty where they are not known, and need no escape in JSON."""

    address: str
    name: str


UNKNOWN = Client("", "")


def finder(trusted_proxies: str) -> Callable[[dict[str, Any]], Client]:
    """Make what finds the client of a request.

    Parameters
    ----------
    trusted_proxies : str
        Addresses and networks. What others say in `X-Forwarded-For` and `X-Client-Name` is ignored; whoever
        reaches a socket in the file system, which has no address, is trusted where any proxy is.
    """
    networks = [ip_network(each) for each in re.split("[ ,]+", trusted_proxies) if each]

    @lru_cache(maxsize=256)
    def is_trusted(address: str) -> bool:
        found = [ip_address(each) for each in {address, plain_address(address)} if _is_address(each)]
        return any(each in network for each in found for network in networks)

    def find(environ: dict[str, Any]) -> Client:
        peer = environ.get("REMOTE_ADDR", "")
        address = peer if PEER.fullmatch(peer) else ""
        if not networks or not (is_trusted(address) or not peer):
            return Client(plain_address(address), "")
        for given in reversed(environ.get("HTTP_X_FORWARDED_FOR", "").split(",")[-MOST_PROXIES:]):
            if not _is_address(given.strip()):
                break
            address = given.strip()
            if not is_trusted(address):
                break
        name = environ.get("HTTP_X_CLIENT_NAME", "")
        return Client(plain_address(address), name if NAME.fullmatch(name) else "")

    return find


def plain_address(text: str) -> str:
    """Write an IPv4 address as such, where a socket for IPv6 and IPv4 shows it within one of IPv6 (RFC 4291).

    >>> plain_address("::ffff:192.0.2.1"), plain_address("::ffff:0:1"), plain_address("192.0.2.1")
    ('192.0.2.1', '::ffff:0:1', '192.0.2.1')
    """
    mapped = text[len(MAPPED) :] if text.lower().startswith(MAPPED) else ""
    return mapped if "." in mapped else text


def _is_address(text: str) -> bool:
    try:
        return PEER.fullmatch(text) is not None and bool(ip_address(text))
    except ValueError:
        return False
