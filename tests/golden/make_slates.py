"""Slates that a seed promises, by the letter of the definition: for tests/simulate/plackett_luce.rs.

    python3 tests/golden/make_slates.py

Python's standard library alone (3.11): Philox4x32-10 (Salmon et al. 2011) in whole numbers, arrivals
in double precision, everybody sorted. Word k of the stream is candidate k's; its upper 31 bits plus one
half, over 2^31, are the v of the arrival -ln(1 - v) / w.
"""

import math

MASK = 0xFFFF_FFFF
PURPOSE = 0x736C6174


def philox(counter, key):
    a, b, c, d = counter
    first, second = key
    for _ in range(10):
        left, right = a * 0xD251_1F53, c * 0xCD9E_8D57
        a, b, c, d = (right >> 32) ^ b ^ first, right & MASK, (left >> 32) ^ d ^ second, left & MASK
        first, second = (first + 0x9E37_79B9) & MASK, (second + 0xBB67_AE85) & MASK
    return a, b, c, d


# A known answer of the Random123 library.
assert philox((0,) * 4, (0,) * 2) == (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)


def slate(weights, length, seed, request):
    def arrival(candidate):
        counter = (candidate // 4, request & MASK, request >> 32, PURPOSE)
        word = philox(counter, (seed & MASK, seed >> 32))[candidate % 4]
        return -math.log1p(-((word >> 1) + 0.5) / 2**31) / weights[candidate]

    return sorted(range(len(weights)), key=arrival)[:length]


if __name__ == "__main__":
    for request in range(3):
        print(slate([1 / (place + 1) for place in range(200)], 8, 42, request))
