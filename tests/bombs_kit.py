"""Texts of 50,000 characters that run patterns away which are not linear."""

from __future__ import annotations

import base64
import random
import time
from collections.abc import Callable

SIZE = 50_000
# fmt: off
UNITS = (
    "a", "A", "1", "1-", "1 ", "a.", "@", "a@", "a@a.", "a@a.aa ", ":", "a:", "::", "1:", " ", "\n", "\n ", "AAAA ",
    "AB12", "AB12 AAAA ", "1.", "1.1.1.1 ", "+", "+1", "+1 (2) 3 ", "0", "00 ", "0-", "-", "(", "(0", "\\u0061",
    "4111 ", "4111-1111-", "4111111111111111 ", "12345678901 ", "123.123.123-12 ", "0612345678", "sk-", "sk_", "ey",
    "eyJa", "eyJaaaaaaaa.", "aws", "aws secret ", "https://", "a://", "a://a:", "://:", "gh", "ghp_a", "hf_a", "AIza",
    "xoxb-", "SG.", "SG.aaaaaaaaaaaaaaaaaaaa.", "AccountKey=", "password=", "token ", "api_key: ", "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA", "-----END PRIVATE KEY-----", "é", "ü@", "٣", "\0",
    "![", "![](http://a?", "![](http://a?data", "ignore ", "ignore all ", "ignore all previous ", "forget all ", "show ",
    "show system ", "reveal the system ", "no ", "without ", "you are ", "from now on", "#", "### ", "<|", "<|im_",
    "\U000e0020", "\ufdfa", "\u200b",
)
# fmt: on
BOMBS = {repr(unit): (unit * SIZE)[:SIZE] for unit in UNITS}
BOMBS["base64"] = base64.b64encode(random.Random(1).randbytes(SIZE * 3 // 4)).decode()
BOMBS["digits"] = "".join(random.Random(2).choices("0123456789 .-+/():", k=SIZE))
BOMBS["letters"] = "".join(random.Random(3).choices("aA0@.:-_ \n", k=SIZE))


def slow(work: Callable[[str], object], limit: float) -> dict[str, float]:
    """The texts that take longer than `limit` seconds of CPU time, the best of three."""
    found = {}
    for name, text in BOMBS.items():
        times = [_timed(work, text)]
        while min(times) > limit and len(times) < 3:
            times.append(_timed(work, text))
        if min(times) > limit:
            found[name] = min(times)
    return found


def _timed(work: Callable[[str], object], text: str) -> float:
    start = time.process_time()
    work(text)
    return time.process_time() - start
