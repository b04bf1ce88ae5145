"""The topology of docker-compose.yaml without containers: nginx by its script and its template, two gateways, two workers.

CHATCHIT: the server's binary; DATABASE_URL: a Postgres on which databases may be created; RABBITMQ_URL, REDIS_URL: its other
engines; REPOSITORY: the files to check, by default those around this script. nginx is found on the path."""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import ending
import fakes
import prometheus
import through
from people import Person
from report import check, exit_code
from stack import REPOSITORY, Stack

# nginx is missing.
CANNOT = 77


def run(folder):
    stack = Stack(os.environ["CHATCHIT"], folder, FILES_MAX_SIZE=str(through.FILES_MAX_SIZE))
    try:
        workers = [stack.server(f"worker-{n}", "worker") for n in (1, 2)]
        gateways = [stack.server(f"gateway-{n}", "gateway") for n in (1, 2)]
        nginx = stack.nginx(REPOSITORY, gateways, PROXY_TIMEOUT=f"{through.PROXY_TIMEOUT}s")
        ana, ben, idler = (Person(nginx.http, name) for name in ("ana", "ben", "idler"))
        conversation = ana.direct(ben)
        idle = []
        idling = through.stays_open(idler, idle)
        through.upgrades((ana, ben), conversation, nginx)
        check("polls of a client stay with one gateway", lambda: through.polls_stick(nginx))
        check("polls that reach the other gateway are answered as well", lambda: through.polls_may_wander(nginx))
        check("the server sees each client's address; 429 passes unchanged", lambda: through.addresses_differ(nginx.http))
        check("the image's health check works", lambda: through.health_check(gateways[0]))
        through.bodies(ana)
        through.answers(nginx, ana)
        prometheus.servers([gateways[0], workers[0]])
        check("a replaced certificate is used without a restart", lambda: through.certificate_changes(nginx))
        idling.join(through.IDLE + 15)

        def lasted():
            assert idle and isinstance(idle[0], float), f"{idle}"
            assert idle[0] > 2 * through.PROXY_TIMEOUT, idle

        check(f"a socket idle for {through.IDLE} s outlives a proxy time-out of {through.PROXY_TIMEOUT} s", lasted)
        for number in (0, 1):
            check(f"gateway {number + 1} drains: 1012, and nothing is lost", lambda n=number: ending.drained(nginx, gateways[n]))
        check("a gateway is killed: reads go on, writes are repeated", lambda: ending.killed(nginx, gateways[1]))
        check("no gateway: 503 with a problem", lambda: ending.nobody_answers(nginx, gateways))
        check("forwarded headers are set, the log keeps no secrets, HTTPS_ONLY redirects", lambda: fakes.settings_of_nginx(stack))
        check("reads are asked of a second gateway, writes never", lambda: fakes.asked_again(stack))
        print(f"        {stack.connections()} connections to the database now")

        def ends():
            for process in [nginx, *gateways, *workers]:
                number = signal.SIGQUIT if process is nginx else signal.SIGTERM
                code, took = process.end(number)
                assert code == 0 and took < 21, f"{process.name}: {code} after {took:.1f} s"

        check("all processes end in order", ends)
    finally:
        stack.close()
        if exit_code():
            for process in stack.processes:
                print(f"-- {process.name}\n{process.log.read_text()[-3000:]}")


def main():
    if not shutil.which("nginx"):
        print("nginx is not installed: the topology is not checked")
        return CANNOT
    with tempfile.TemporaryDirectory(prefix="chatchit-ops-") as folder:
        # nginx's workers, which are of another user, look into it.
        os.chmod(folder, 0o755)
        run(Path(folder))
    return exit_code()


if __name__ == "__main__":
    sys.exit(main())
