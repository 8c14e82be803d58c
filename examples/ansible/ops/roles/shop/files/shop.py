"""The shop: a page with the products that the database knows."""

import html
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg2


def products():
    # systemd hands the secret over; read each time, so that a new password needs no restart of the machine.
    password = Path(os.environ["CREDENTIALS_DIRECTORY"], "db_password").read_text().strip()
    connection = psycopg2.connect(
        host=os.environ["DB_HOST"], dbname="shop", user="shop", password=password, connect_timeout=2
    )
    try:
        with connection.cursor() as cursor:
            cursor.execute("select name, cents from product order by name")
            return cursor.fetchall()
    finally:
        connection.close()


def page(rows):
    items = "".join(f"<li>{html.escape(name)}: {cents / 100:.2f}</li>\n" for name, cents in rows)
    banner = html.escape(os.environ["BANNER"])
    return (
        "<!doctype html>\n<html lang=en>\n<title>shop</title>\n<h1>Shop</h1>\n"
        f"<ul>\n{items}</ul>\n<p>{banner}</p>\n</html>\n"
    )


class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            rows = products()
        except (psycopg2.Error, OSError, KeyError) as error:
            self.answer(503, "text/plain", f"no database: {type(error).__name__}\n")
        else:
            if self.path == "/health":
                self.answer(200, "text/plain", "ok\n")
            else:
                self.answer(200, "text/html; charset=utf-8", page(rows))

    def answer(self, status, kind, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    address, port = os.environ["LISTEN"].rsplit(":", 1)
    ThreadingHTTPServer((address, int(port)), Shop).serve_forever()
