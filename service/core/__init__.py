"""Pure numerical core: no HTTP, no environment, no clock of its own.

Everything here works on arrays and returns arrays or plain dicts of them:

>>> from service.core import gradient
>>> gradient("x[0]**2 + x[1]**2", {"x": [3, 4]})["value"]
25.0
"""
