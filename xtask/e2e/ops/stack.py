"""Processes of the server and an nginx in front of them, each on a free port of the loopback."""

import contextlib
import http.client
import os
import signal as signals
import socket
import subprocess
import time
import urllib.parse
import uuid
from pathlib import Path

import psycopg

from report import until

REPOSITORY = Path(os.environ.get("REPOSITORY") or Path(__file__).parents[3])
# For these runs alone.
SECRETS = {
    "JWT_ACCESS_TOKEN": "a secret for the suites alone, of 32 bytes or more",
    "CHATCHIT_MASTER_KEY": "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "CHATCHIT_AUDIT_KEY": "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
}
# Longer than the server's own bound.
END = 25


def free_ports(count):
    """Different ports that nobody listens on."""
    with contextlib.ExitStack() as sockets:
        held = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


class Process:
    """A child process that can be started again."""

    def __init__(self, name, command, settings, folder):
        self.name, self.command, self.settings, self.folder = name, command, settings, folder
        self.log = folder / f"{name}.log"
        self.child = None

    def start(self):
        with self.log.open("ab") as log:
            self.child = subprocess.Popen(
                self.command, env=self.settings, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def signal(self, number):
        self.child.send_signal(number)

    def end(self, number=signals.SIGTERM):
        """Ends it; its exit code and how long it took."""
        if self.child is None or self.child.poll() is not None:
            return None
        since = time.monotonic()
        self.signal(number)
        try:
            code = self.child.wait(END)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            code = "killed"
        return code, time.monotonic() - since


class Server(Process):
    """A gateway or a worker."""

    def __init__(self, name, role, port, program, settings, folder):
        # Uploaded files are shared, as the volume of compose is.
        own = {"PORT": str(port), "HOST": "127.0.0.1", "CHATCHIT_DATA": str(folder / "data")}
        super().__init__(name, [program, role], settings | own, folder)
        self.port = port

    def start(self):
        super().start()
        until(f"{self.name} is ready", self._is_ready, 60)

    def _is_ready(self):
        assert self.child.poll() is None, f"{self.name} ended: {self.log.read_text()[-2000:]}"
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            asked.request("GET", "/readyz")
            return asked.getresponse().status == 200
        except OSError:
            return False
        finally:
            asked.close()


class Nginx(Process):
    """A real nginx, started by the script that compose starts it with."""

    def __init__(self, name, repository, gateways, folder, **more):
        state = folder / name
        state.mkdir()
        state.chmod(0o755)
        self.http, self.https = free_ports(2)
        self.state, self.access_log = state, state / "access.log"
        servers = " ".join(f"127.0.0.1:{gateway.port}" for gateway in gateways)
        settings = {
            "PATH": os.environ["PATH"],
            "GATEWAYS": servers,
            "LISTEN_ON": "127.0.0.1",
            "HTTP_PORT": str(self.http),
            "HTTPS_PORT": str(self.https),
            "STATE": str(state),
            "ACCESS_LOG": str(self.access_log),
            "LOOK": "1",
            "WORKERS": "2",
        }
        command = ["/bin/sh", str(repository / "deploy/nginx/start.sh")]
        super().__init__(name, command, settings | more, folder)

    def start(self):
        super().start()
        until("nginx answers", self._answers, 20)

    def _answers(self):
        assert self.child.poll() is None, f"nginx ended: {self.log.read_text()[-2000:]}"
        # That it accepts connections means nothing: `nginx -t` listens for a moment, too.
        asked = http.client.HTTPConnection("127.0.0.1", self.http, timeout=5)
        try:
            asked.request("GET", "/metrics")
            return asked.getresponse().status == 404
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()

    def requests(self, path):
        """The logged requests for a path: client, method, status and the gateways that were asked, in order."""
        found = []
        for line in self.access_log.read_text().splitlines():
            _, client, method, at, status, _, _, rest = line.split(" ", 7)
            if at == path:
                gateways = [part.strip(",") for part in rest.split(" ") if ":" in part]
                found.append((client, method, int(status), gateways))
        return found


class Stack:
    """Gateways and workers on a database and a namespace of their own."""

    def __init__(self, program, folder, **settings):
        name = f"chatchit_ops_{uuid.uuid4().hex[:12]}"
        self.admin, self.database = os.environ["DATABASE_URL"], name
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        self.url = urllib.parse.urlsplit(self.admin)._replace(path=f"/{name}").geturl()
        self.program, self.folder, self.processes = program, Path(folder), []
        engines = {name: os.environ[name] for name in ("RABBITMQ_URL", "REDIS_URL") if os.environ.get(name)}
        self.settings = SECRETS | engines | {
            "DATABASE_URL": self.url,
            "CHATCHIT_NAMESPACE": name,
            "APP_ENV": "production",
            "TRUSTED_PROXIES": "127.0.0.1",
            "RUST_LOG": "info",
            "LOG_FORMAT": "json",
        } | settings

    def server(self, name, role):
        server = Server(name, role, free_ports(1)[0], self.program, self.settings, self.folder)
        self.processes.append(server)
        server.start()
        return server

    def nginx(self, repository, gateways, name="nginx", **settings):
        nginx = Nginx(name, repository, gateways, self.folder, **settings)
        self.processes.append(nginx)
        nginx.start()
        return nginx

    def connections(self):
        """How many connections to the database there are, this one not counted."""
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        with psycopg.connect(self.admin) as connection:
            return connection.execute(query, [self.database]).fetchone()[0]

    def close(self):
        for process in reversed(self.processes):
            process.end()
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self.database} WITH (FORCE)")
