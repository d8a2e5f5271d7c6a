"""A client that sends what tests give as JSON in one of the formats, and reads answers in it."""

import cbor2
import numpy as np
from flask.testing import FlaskClient
from flask.wrappers import Response

CBOR = "application/cbor"


def as_cbor(value):
    """Write a JSON value as CBOR writes it: lists as arrays of items."""
    return cbor2.dumps(_without_bignums(value))


def as_typed_arrays(value):
    """Write a JSON value with every array of numbers as tag 40 over float64."""
    return cbor2.dumps(_without_bignums(_typed(value)))


def _without_bignums(value):
    """Write whole numbers beyond 64 bits as floats: their tag is not taken."""
    if isinstance(value, dict):
        return {key: _without_bignums(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_bignums(item) for item in value]
    is_large = type(value) is int and not -(2**64) <= value < 2**64
    return float(value) if is_large else value


def _typed(value):
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if not isinstance(value, list) or not value:
        return value
    try:
        array = np.array(value)
    except ValueError:  # ragged
        return [_typed(item) for item in value]
    if array.dtype.kind not in "if" or any(isinstance(item, bool) for item in _leaves(value)):
        return [_typed(item) for item in value]
    data = cbor2.CBORTag(86, array.astype("<f8").tobytes())
    return cbor2.CBORTag(40, [list(array.shape), data]) if array.size else value


def _leaves(value):
    for item in value:
        yield from _leaves(item) if isinstance(item, list) else (item,)


WRITERS = {"json": None, "cbor": as_cbor, "typed arrays": as_typed_arrays}
"""How bodies are written; None leaves it to Flask."""


def plain(value):
    """Turn what cbor2 reads of an answer into what a JSON reader makes of it."""
    if isinstance(value, cbor2.CBORTag):
        shape, elements = value.value
        assert (value.tag, elements.tag) == (40, 86)
        return np.frombuffer(elements.value, "<f8").reshape(shape).tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def in_floats(value):
    """Turn what a reader of requests made into lists, and whole numbers into the floats they stand for."""
    if isinstance(value, np.ndarray):
        return in_floats(value.tolist())
    if isinstance(value, dict):
        return {key: in_floats(item) for key, item in value.items()}
    if isinstance(value, list):
        return [in_floats(item) for item in value]
    return float(value) if type(value) is int else value


class Answer(Response):
    """An answer whose `json` is its document in either format."""

    def get_json(self, *given, **options):
        if self.content_type == CBOR:
            return plain(cbor2.loads(self.data))
        return super().get_json(*given, **options)

    @property
    def json(self):
        return self.get_json()


def client_of(app, name):
    """Make a client of an application that writes bodies in a format and wants answers in it."""
    client = FlaskClient(app, Answer)
    write = WRITERS[name]
    if write is not None:
        client.open = _writing(client.open, write)
    return client


def _writing(send, write):
    """Send what is given as JSON otherwise; a test's own headers stay."""

    def open_(*given, json=None, headers=(), **more):
        if json is None:
            return send(*given, headers=headers, **more)
        own = {"Content-Type": CBOR, "Accept": CBOR} | dict(headers)
        return send(*given, data=write(json), headers=own, **more)

    return open_
