"""Says what the container sees of the VM: asks it by its name, each time it is asked itself."""

import http.server
import urllib.request


class Witness(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with urllib.request.urlopen("http://web/about", timeout=10) as answer:
            seen = answer.read()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(seen)


http.server.ThreadingHTTPServer(("", 8000), Witness).serve_forever()
