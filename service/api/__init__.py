"""HTTP: a module per endpoint; requests come in through `body`, failures leave through `problems`."""
