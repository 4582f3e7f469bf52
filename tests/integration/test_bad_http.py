"""A world's router under malformed and hostile HTTP."""

import urllib.parse

import bad_http


def address_of(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


def test_no_case_is_told_twice_and_there_are_many():
    names = [case[0] for case in bad_http.CASES]
    assert len(names) == len(set(names))
    assert len(names) > 100


def test_bad_requests_are_refused_and_cost_nothing(world):
    pid = world.pids["routerd"]
    bad_http.run(*address_of(world.http))
    assert world.pids["routerd"] == pid, "routerd has been restarted"


def test_a_vantage_port_is_as_strict(world):
    geo = sorted(world.vantage)[0]
    address = address_of(world.vantage[geo])
    for name, sent, statuses, closes in bad_http.CASES[:10]:
        assert bad_http.check_case(address, name, sent, statuses, closes) is None, name
