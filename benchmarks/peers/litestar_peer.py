"""Litestar with msgspec on uvicorn, one endpoint, as its tutorial writes it."""

import msgspec
import numpy as np
from litestar import Litestar, post


class Softmax(msgspec.Struct):
    """A request."""

    x: list[float]


@post("/softmax", status_code=200)
async def softmax(data: Softmax) -> dict[str, list[float]]:
    """Compute the softmax of a vector."""
    x = np.array(data.x)
    powers = np.exp(x - x.max())
    return {"y": (powers / powers.sum()).tolist()}


app = Litestar([softmax])
