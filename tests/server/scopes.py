"""The ASGI scope of a request."""

SCOPE = {
    "type": "http",
    "method": "POST",
    "raw_path": b"/gradient",
    "query_string": b"",
    "http_version": "1.1",
    "scheme": "http",
    "client": ("192.0.2.1", 4711),
    "server": ("127.0.0.1", 8000),
    "headers": [(b"host", b"a"), (b"content-length", b"2")],
}
