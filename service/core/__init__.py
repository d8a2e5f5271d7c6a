"""Pure numerical core: no HTTP, no environment, no clock of its own."""
