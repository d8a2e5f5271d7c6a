"""Who a request is said to come from: an address, and a name where a trusted proxy gives one."""

import pytest

from service.api.clients import finder
from service.config import Settings, SettingsError

NETWORKS = "10.0.0.0/8, 127.0.0.1 fd00::/8"


def find(trusted, peer, forwarded=None, name=None):
    environ = {"REMOTE_ADDR": peer}
    environ |= {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    environ |= {} if name is None else {"HTTP_X_CLIENT_NAME": name}
    return tuple(finder(trusted)(environ))


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "name", "found"),
    [
        ("", "1.2.3.4", "9.9.9.9", "mallory", ("1.2.3.4", "")),
        ("", "", "9.9.9.9", "mallory", ("", "")),
        (NETWORKS, "1.2.3.4", "9.9.9.9", "mallory", ("1.2.3.4", "")),
        (NETWORKS, "10.1.2.3", "9.9.9.9", "alice", ("9.9.9.9", "alice")),
        (NETWORKS, "10.1.2.3", "8.8.8.8, 9.9.9.9", None, ("9.9.9.9", "")),
        (NETWORKS, "10.1.2.3", "8.8.8.8, 9.9.9.9 ,10.0.0.7", None, ("9.9.9.9", "")),
        (NETWORKS, "10.1.2.3", "10.0.0.8,10.0.0.7", None, ("10.0.0.8", "")),
        (NETWORKS, "fd00::1", "2001:db8::7", None, ("2001:db8::7", "")),
        (NETWORKS, "10.1.2.3", None, None, ("10.1.2.3", "")),
        (NETWORKS, "", "9.9.9.9", "alice", ("9.9.9.9", "alice")),
        (NETWORKS, "10.1.2.3", 'x"}\n', 'a"b', ("10.1.2.3", "")),
        (NETWORKS, "10.1.2.3", 'fe80::1%"}\n', None, ("10.1.2.3", "")),
        (NETWORKS, "10.1.2.3", "9.9.9.9, unknown", "a" * 65, ("10.1.2.3", "")),
        (NETWORKS, "10.1.2.3", "9.9.9.9," + "10.0.0.7," * 8, "ali\u00e9", ("10.1.2.3", "")),
        (NETWORKS, "10.1.2.3", "9.9.9.9" + ",10.0.0.7" * 8, None, ("10.0.0.7", "")),
        (NETWORKS, "localhost", "9.9.9.9", "alice", ("localhost", "")),
        (NETWORKS, "::ffff:10.1.2.3", "9.9.9.9", "alice", ("9.9.9.9", "alice")),
        (NETWORKS, "::FFFF:10.1.2.3", "::ffff:9.9.9.9, ::ffff:10.0.0.7", None, ("9.9.9.9", "")),
        (NETWORKS, "::ffff:1.2.3.4", "9.9.9.9", "mallory", ("1.2.3.4", "")),
        ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", "9.9.9.9", None, ("9.9.9.9", "")),
        ("", "::ffff:1.2.3.4", None, None, ("1.2.3.4", "")),
        (NETWORKS, "::ffff:0:1", None, None, ("::ffff:0:1", "")),
        (NETWORKS, 'a"b', "9.9.9.9", "alice", ("", "")),
    ],
)
def test_only_a_trusted_proxy_says_who_the_client_is(trusted, peer, forwarded, name, found):
    assert find(trusted, peer, forwarded, name) == found


@pytest.mark.parametrize("text", ["10.0.0.0/33", "proxy.example", "10.0.0.1/8", "*", "10.0.0.1;"])
def test_what_is_no_network_stops_the_start(text):
    with pytest.raises(SettingsError, match="KOBAI_TRUSTED_PROXIES must be a list of addresses"):
        Settings.from_environment({"KOBAI_TRUSTED_PROXIES": text})


def test_networks_are_parted_by_commas_or_blanks():
    assert Settings.from_environment({"KOBAI_TRUSTED_PROXIES": NETWORKS}).trusted_proxies == NETWORKS
