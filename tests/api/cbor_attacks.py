"""Bodies that are no CBOR, or CBOR that the service does not take: bytes in hex, the byte, what is said."""


def field(item):
    """A request of `/softmax` with an item, in hex, as its array; the item begins at byte 3."""
    return "a16178" + item


def typed(tag, data):
    """A typed array of at most 23 bytes."""
    return f"d8{tag:02x}{0x40 + len(data) // 2:02x}{data}"


def shaped(shape, item):
    return f"d82882{shape}{item}"


ONE = "000000000000f03f"
"""A float64, little-endian."""
FLOAT64 = 86

REFUSED = {
    # not one whole item
    "nothing": ("", None, "empty"),
    "a head cut off": ("a161781a00", 3, "needs 4 more bytes"),
    "a second item behind the first": (field("8101") + "00", 5, "1 bytes follow"),
    "bytes behind the document": (field("8101") + "ff" * 9, 5, "9 bytes follow"),
    "a break alone": ("ff", 0, "definite"),
    "a reserved first byte of a number": (field("1c"), 3, "0x1c"),
    "a reserved first byte of an array": (field("9d"), 3, "0x9d"),
    "a reserved simple value": (field("fc"), 3, "0xfc"),
    "rows cut off in a number": (field("828101" + "811901"), 7, "needs 2 more bytes, 1 are left"),
    # declared sizes
    "an array of 2**63 items": (field("9b7fffffffffffffff01"), 3, "needs 9,223,372,036,854,775,807"),
    "an array of 2**64 - 1 items": (field("9bffffffffffffffff"), 3, "needs"),
    "a map of 2**63 members": ("bb8000000000000000", 0, "needs"),
    "a text of 2**62 bytes": (field("7b4000000000000000"), 3, "needs"),
    "a key of 2**32 bytes": ("a17b0000000100000000", 1, "needs"),
    "a typed array of 2**63 bytes": (field("d8565b8000000000000000"), 5, "needs"),
    "an array of one item too many": (field("8201"), 3, "needs 2 more bytes, 1 are left"),
    "a map of one member too many": ("a2617801", 0, "needs 4 more bytes, 3 are left"),
    "nested arrays of 2**32 items": (field("9affffffff" * 8), 3, "needs"),
    # indefinite lengths
    "an indefinite array": (field("9f01ff"), 3, "definite"),
    "an indefinite map": ("bf617801ff", 0, "definite"),
    "an indefinite text": (field("7f6161ff"), 3, "definite"),
    "an indefinite key": ("a17f6178ff8101", 1, "definite"),
    "an indefinite typed array": (field("d8565f48" + ONE + "ff"), 5, "definite"),
    "an indefinite shape": (field(shaped("9f01ff", typed(FLOAT64, ONE))), 6, "definite"),
    "indefinite rows": (field("82" + ("9f" + "01" * 31) * 2), 4, "definite"),
    "a break in an array": (field("82ff01"), 4, "definite"),
    # tags
    "a positive bignum": (field("81c249010000000000000000"), 4, "tag 2 "),
    "a negative bignum": (field("81c349010000000000000000"), 4, "tag 3 "),
    "a bignum of a megabyte": (field("c25a00100000" + "ff" * 0x100000), 3, "tag 2 "),
    "a decimal fraction": (field("81c48221196ab3"), 4, "tag 4 "),
    "a decimal fraction of exponent 2**60": (field("c4821b100000000000000001"), 3, "tag 4 "),
    "a bigfloat": (field("81c5822003"), 4, "tag 5 "),
    "a date as text": (field("c074323031332d30332d32315432303a30343a30305a"), 3, "tag 0 "),
    "a date as a number": (field("c11a514b67b0"), 3, "tag 1 "),
    "a shared value": (field("d81c8101"), 3, "tag 28 "),
    "a reference to a shared value": (field("d81d00"), 3, "tag 29 "),
    "a value that holds itself": (field("d81c81d81d00"), 3, "tag 28 "),
    "a string reference": (field("d81900"), 3, "tag 25 "),
    "a namespace of string references": (field("d9010081d81900"), 3, "tag 256 "),
    "a rational": (field("d81e820103"), 3, "tag 30 "),
    "a regular expression": (field("d82368285b612d7a5d2b"), 3, "tag 35 "),
    "a MIME message": (field("d8246161"), 3, "tag 36 "),
    "a UUID": (field("d82550" + "00" * 16), 3, "tag 37 "),
    "CBOR in a byte string": (field("d818428101"), 3, "tag 24 "),
    "a set": (field("d901028101"), 3, "tag 258 "),
    "the tag of CBOR itself": ("d9d9f7" + field("8101"), 0, "tag 55799 "),
    "the largest tag": (field("dbffffffffffffffff00"), 3, "tag 18446744073709551615 "),
    "tags in tags": (field("c0" * 5_000 + "01"), 3, "tag 0 "),
    "a homogeneous array": (field("d8298101"), 3, "tag 41 "),
    "a column-major array": (field("d9041082810148" + ONE), 3, "tag 1040 "),
    # typed arrays
    "float128, little-endian": (field(typed(87, "00" * 16)), 3, "tag 87 "),
    "float128, big-endian": (field(typed(83, "00" * 16)), 3, "tag 83 "),
    "the reserved tag of typed arrays": (field(typed(76, "00")), 3, "tag 76 "),
    "a typed array cut inside an element": (
        field(typed(FLOAT64, ONE[:-2])),
        5,
        "7 bytes are no whole number",
    ),
    "a typed array of half a uint16": (field(typed(69, "000001")), 5, "3 bytes are no whole number"),
    "a typed array of an array": (field("d8568101"), 5, "a byte string"),
    "a typed array of a text": (field("d85668" + "61" * 8), 5, "a byte string"),
    "a typed array in a typed array": (field("d856" + typed(FLOAT64, ONE)), 5, "a byte string"),
    "a byte string without a tag": (field("48" + ONE), 3, "a typed array alone"),
    # tag 40
    "an array of dimensions of one part": (field("d828818101"), 5, "an array of two"),
    "an array of dimensions of three parts": (field("d82883810148" + ONE + "00"), 5, "an array of two"),
    "an array of dimensions of a number": (field("d82801"), 5, "an array of two"),
    "a shape that is a number": (field(shaped("01", typed(FLOAT64, ONE))), 6, "a shape"),
    "a shape of nothing": (field(shaped("80", typed(FLOAT64, ONE))), 6, "a shape"),
    "a size of 0": (field(shaped("8100", typed(FLOAT64, ""))), 7, "a size"),
    "a size below 0": (field(shaped("8120", typed(FLOAT64, ONE))), 7, "a size"),
    "a size that is a float": (field(shaped("81f93c00", typed(FLOAT64, ONE))), 7, "a size"),
    "more elements than the shape": (field(shaped("8101", typed(FLOAT64, ONE + ONE))), 6, "not 2 elements"),
    "fewer elements than the shape": (field(shaped("820102", typed(FLOAT64, ONE))), 6, "not 1 elements"),
    "a shape whose product overflows": (
        field(shaped("821b80000000000000001b8000000000000000", typed(FLOAT64, ""))),
        6,
        "has not 0 elements",
    ),
    "a shape of a thousand sizes": (field(shaped("9903e8" + "01" * 1_000, typed(FLOAT64, ONE))), 6, "nested"),
    "elements that are an array": (field(shaped("8101", "8101")), 8, "a typed array"),
    "dimensions in dimensions": (
        field(shaped("8101", shaped("8101", typed(FLOAT64, ONE)))),
        8,
        "a typed array",
    ),
    # numbers
    "a float16 NaN": (field("81f97e00"), 4, "finite"),
    "a float16 infinity": (field("81f97c00"), 4, "finite"),
    "a float32 infinity below 0": (field("81faff800000"), 4, "finite"),
    "a float64 NaN": (field("81fb7ff8000000000000"), 4, "finite"),
    "a float64 NaN with a payload": (field("81fbfff0000000000001"), 4, "finite"),
    "an infinity in a row of numbers": (field("83f93c00f97c00f93c00"), 7, "finite"),
    "an infinity in rows of numbers": (field("828101" + "81f97c00"), 7, "finite"),
    "a NaN in a typed array": (field(typed(FLOAT64, ONE + "000000000000f87f")), 14, "finite"),
    "an infinity in a typed array of float16": (field(typed(84, "003c007c")), 8, "finite"),
    "an infinity in a typed array of float32": (field(typed(81, "3f8000007f800000")), 10, "finite"),
    "an infinity under a shape": (field(shaped("8101", typed(82, "7ff0000000000000"))), 11, "finite"),
    # simple values, texts and keys
    "undefined": (field("f7"), 3, "undefined"),
    "an unassigned simple value": (field("e0"), 3, "undefined"),
    "a simple value of two bytes": (field("f8ff"), 3, "undefined"),
    "true in two bytes": (field("f815"), 3, "undefined"),
    "a key twice": ("a26178810161788102", 5, "'x' stands twice"),
    "a key twice, with heads of two lengths": ("a2617881017801788102", 5, "'x' stands twice"),
    "a key twice further down": (field("a2616101616102"), 7, "'a' stands twice"),
    "a key that is a number": ("a1018101", 1, "are text"),
    "a key that is bytes": ("a141788101", 1, "are text"),
    "a key that is an array": ("a181018101", 1, "are text"),
    "a key with a tag": ("a1c061788101", 1, "are text"),
    "a key that is not UTF-8": ("a161ff8101", 2, "not UTF-8"),
    "a text that is not UTF-8": (field("6361c328"), 5, "not UTF-8"),
    "half of a surrogate pair": (field("63eda080"), 4, "not UTF-8"),
    # stack and memory
    "arrays 5,000 deep": (field("81" * 5_000 + "01"), 34, "more than 32 deep"),
    "maps 5,000 deep": ("a16178" * 5_000 + "01", 96, "more than 32 deep"),
    "a million empty arrays": (field("9a000f4240" + "80" * 1_000_000), 250_005, "more than 250,000 arrays"),
    "more rows than elements are allowed": (
        field("9a000f4241" + "8100" * 1_000_001),
        500_002,
        "more than 250,000 arrays",
    ),
    "a million empty maps": (field("9a000f4240" + "a0" * 1_000_000), 250_005, "more than 250,000 arrays"),
    "a million empty typed arrays": (
        field("9a000f4240" + "d84040" * 1_000_000),
        749_999,
        "more than 250,000",
    ),
    "a map of a million members": ("ba000f4240" + "60f6" * 1_000_000, 0, "more than 250,000"),
}
"""What it is: the body, the offset that the refusal tells, and a part of its words."""
