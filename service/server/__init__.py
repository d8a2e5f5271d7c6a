"""The way between Gunicorn and the application: connections, bodies, answers."""
