"""FastAPI with pydantic on uvicorn, one `def` endpoint, as its tutorial writes it."""

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

app = FastAPI()


class Softmax(BaseModel):
    """A request."""

    x: list[float]


@app.post("/softmax")
def softmax(request: Softmax) -> dict[str, list[float]]:
    """Compute the softmax of a vector."""
    x = np.array(request.x)
    powers = np.exp(x - x.max())
    return {"y": (powers / powers.sum()).tolist()}
