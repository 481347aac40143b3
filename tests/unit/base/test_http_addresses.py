"""Which addresses and spellings are refused: a corpus, and none of it ever makes a connection."""

from __future__ import annotations

import httpx
import pytest

from autoloop.base.http import Allowed, Refused, checked_url, refusal

FORBIDDEN = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1 127.1.2.3
127.255.255.254 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.1
192.0.0.170 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.7
203.0.113.7 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1 ::10.0.0.1 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:8.8.8.8 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1
64:ff9b::169.254.169.254 64:ff9b::7f00:1 64:ff9b:1::1 64:ff9b:1:fffe::8.8.8.8 100::1 100:0:0:1::1 2001::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1 2001:db8:ffff::1
2002:7f00:1::1 2002:a00:1::1 2002:808:808::1 3fff::1 3fff:fff::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1
fe80::1%eth0 febf::1 fec0::1 ff02::1 ff0e::1 4000::1 8000::1 e000::1 1::1 0:0:0:1::1
""".split()  # noqa: SIM905

OPEN = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.1 100.63.255.255 100.128.0.1 126.255.255.255 128.0.0.1 169.253.1.1 172.15.0.1
172.32.0.1 192.0.1.1 192.167.1.1 192.169.1.1 198.17.255.255 198.20.0.1 223.255.255.255 2600::1
2606:4700:4700::1111 2a00:1450:4001::1 64:ff9b::8.8.8.8 2001:4860:4860::8888 2003::1 2400:cb00::1
""".split()  # noqa: SIM905

BAD_URLS = [
    *(
        "",
        " ",
        "x",
        "//example.com/",
        "/path",
        "example.com",
        "http:",
        "http://",
        "https:///x",
        "http://:80/",
    ),
    *("ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)", "data:,x"),
    *("ws://example.com/", "unix:///run/x", "dict://example.com:11211/", "HTTP//example.com", "mailto:a@b"),
    *("http://user@example.com/", "http://user:pass@example.com/", "http://@example.com/", "http://a@b@c/"),
    *("http://example.com\\@127.0.0.1/", "http://127.0.0.1\\.example.com/", "http:\\\\127.0.0.1\\"),
    *(
        "http://exa mple.com/",
        "http://example.com/a b",
        "http://example.com/\r\nX: y",
        "http://exam\tple.com/",
    ),
    *("http://example.com/\x00", "http://example.com/\x7f", "http://exa\nmple.com/"),
    *(
        "http://2130706433/",
        "http://0x7f000001/",
        "http://017700000001/",
        "http://0x7f.0.0.1/",
        "http://127.1/",
    ),
    *(
        "http://127.0.1/",
        "http://0177.0.0.1/",
        "http://127.0.0.01/",
        "http://0x7f.1/",
        "http://1/",
        "http://0/",
    ),
    *(
        "http://127.0.0.1./",
        "http://2130706433./",
        "http://127.0.0.0x1/",
        "http://0300.0250.1.1/",
        "http://08.8.8.8/",
    ),
    *(
        "http://example.123/",
        "http://1.2.3.4.5/",
        "http://256.256.256.256/",
        "http://3232235777/",
        "http://0x/",
    ),
    *("http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://１２７.0.0.1/", "http://localhost。/"),
    *(
        "http://[::1/",
        "http://[::1]x/",
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[1.2.3.4]/",
    ),
    *("http://[v1.x]/", "http://[]/", "http://[::ffff:127.0.0.1.]/", "http://::1/", "http://1.2.3.4:99999/"),
    *(
        "http://example.com:x/",
        "http://example.com:-1/",
        "http://example.com:0x50/",
        "http://example.com:80:80/",
    ),
    *(
        "http://example.com:25/",
        "http://example.com:22/",
        "https://example.com:6379/",
        "http://example.com:11211/",
    ),
    *("http://-example.com/", "http://example-.com/", "http://exa..mple.com/", "http://.example.com/"),
    *("http://" + "a" * 64 + ".com/", "http://" + "a." * 130 + "com/", "http://example.com/" + "a" * 9000),
    *("http://%31%32%37.0.0.1/", "http://127.0.0.1%2f@example.com/", "http://example.com%00.evil.com/"),
    *("http://ex<ample.com/", "http://exam|ple.com/", "http://ex^ample.com/", "http://ex'ample.com/"),
]


@pytest.mark.parametrize("address", FORBIDDEN)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", OPEN)
def test_what_is_public_may_be_reached(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize("url", BAD_URLS)
def test_odd_spellings_are_refused_in_a_sentence(url: str) -> None:
    try:
        read = checked_url(url)
    except Refused as error:
        assert str(error).endswith(".") and len(str(error)) < 400
    else:  # a sign that IDNA folds may give a plain address: the address itself is then refused
        assert refusal(read.host), f"{url!r} was taken as {read}"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/",
        "http://example.com:8080/a?b=c#d",
        "https://EXAMPLE.com",
        "https://xn--bcher-kva.example/x",
        "https://bücher.example/",
        "http://8.8.8.8/",
        "https://[2606:4700:4700::1111]:8443/x",
        "https://under_score.example.com/",
        "https://example.com./",
    ],
)
def test_plain_ones_are_taken(url: str) -> None:
    assert isinstance(checked_url(url), httpx.URL)


def test_an_operator_names_ports_networks_and_hosts() -> None:
    assert checked_url("https://example.com:444/", ports=[443, 444])
    with pytest.raises(Refused, match="Port 80"):
        checked_url("http://example.com/", ports=[443])
    allowed = Allowed.read(["10.1.0.0/16", "fd00::/8", "127.0.0.1", "intranet.example.com"])
    assert refusal("10.1.2.3", allowed) is None and refusal("10.2.0.1", allowed) == "private"
    assert refusal("fd12::1", allowed) is None and refusal("127.0.0.2", allowed) == "loopback"
    assert refusal("64:ff9b::10.1.2.3", allowed) is None
    assert allowed.host("Intranet.Example.COM.") and not allowed.host("example.com")
    for wrong in ("10.0.0.1/8", "10.0.0/24", "300.1.1.1", "http://x"):
        with pytest.raises(ValueError, match="neither"):
            Allowed.read([wrong])
