"""How the service is run: workers and their parent, the socket, TLS, the HTTP protocol class.

The only place that knows uvicorn. It owns bounds on request heads, bodies and connections. It
does not know what a request means: it is handed an ASGI application.
"""
