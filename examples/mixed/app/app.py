"""One page: how often it was asked for, which the database counts, and what the database's machine sees of this one."""

import http.server
import platform
import socket
import urllib.request


def visits():
    """Counts one more in the database; it speaks a protocol of lines."""
    with socket.create_connection(("db", 6379), timeout=10) as database:
        database.sendall(b"INCR visits\r\n")
        return int(database.makefile().readline().lstrip(":"))


def seen_by_the_database():
    with urllib.request.urlopen("http://db:8000/", timeout=10) as answer:
        return answer.read().decode()


class App(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        about = f"{socket.gethostname()} runs kernel {platform.release()}"
        if self.path == "/about":
            page = about
        else:
            page = (
                f"<h1>Mixed</h1><p>Visit {visits()}, counted by db.</p>"
                f"<p>db says: {seen_by_the_database()}.</p>"
            )
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page.encode())


http.server.ThreadingHTTPServer(("", 80), App).serve_forever()
