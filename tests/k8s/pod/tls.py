"""Ends TLS on port 8443, by the certificate in /tls, and hands the bytes to 127.0.0.1:8080: an HTTPS destination."""
import socket
import socketserver
import ssl
import threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")


def copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass  # the other side is gone
    finally:
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # shut already


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            near = context.wrap_socket(self.request, server_side=True)
        except OSError:
            return  # not TLS
        far = socket.create_connection(("127.0.0.1", 8080))
        threading.Thread(target=copy, args=(far, near), daemon=True).start()
        copy(near, far)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


Server(("0.0.0.0", 8443), Handler).serve_forever()
