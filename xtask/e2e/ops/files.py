"""The files of a deployment, without starting anything: schemas, settings, secrets, ports, time-outs, scripts, nginx, units.

REPOSITORY: the files to check, by default those around this script."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

from report import check, exit_code

REPOSITORY = Path(os.environ.get("REPOSITORY") or Path(__file__).parents[3])
COMPOSE = REPOSITORY / "docker-compose.yaml"
KUBERNETES = REPOSITORY / "deploy/kubernetes"
SYSTEMD = REPOSITORY / "deploy/systemd"
# The oldest and the newest release of Kubernetes against which the manifests are checked.
RELEASES = ("1.30", "1.37")
# Published on all addresses when PUBLISH_ADDRESS says so; everything else on the loopback alone.
PUBLIC = {"nginx"}


def compose():
    return yaml.safe_load(COMPOSE.read_text())


def settings():
    """All settings of the server, from its own list."""
    source = (REPOSITORY / "gateway/config/src/variables.rs").read_text()
    names = set(re.findall(r'\bvariable\(\s*"([A-Z_]+)"', source))
    assert "DATABASE_URL" in names and len(names) > 30, f"the list was not understood: {names}"
    return names


def seconds(path, pattern):
    """A time of the server, from its source."""
    found = re.search(pattern + r"Duration::from_secs\((\d+)\)", (REPOSITORY / path).read_text())
    assert found, f"{path} has no {pattern}"
    return int(found[1])


def interpolations():
    """`(name, what follows it)` of each `${NAME…}` in the compose file."""
    text = "\n".join(line for line in COMPOSE.read_text().splitlines() if not line.lstrip().startswith("#"))
    return re.findall(r"(?<!\$)\$\{([A-Z_]+)([^}]*)\}", text)


def tool(name):
    """A program of requirements.txt."""
    return Path(sys.executable).with_name(name)


def schema_of_compose():
    subprocess.run([tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", COMPOSE], check=True)


def compose_is_whole():
    file = compose()
    services = file["services"]
    for name, service in services.items():
        limits = service.get("deploy", {}).get("resources", {}).get("limits", {})
        assert {"cpus", "memory"} <= limits.keys(), f"{name} has no limits"
        assert "ALL" in service.get("cap_drop", []), f"{name} keeps all capabilities"
        for needed in service.get("depends_on", {}):
            assert needed in services, f"{name} depends on {needed}"
        for network in service.get("networks", []):
            assert network in file["networks"], f"{name} is in {network}"
        for port in service.get("ports", []):
            wanted = "${PUBLISH_ADDRESS:-127.0.0.1}:" if name in PUBLIC else "127.0.0.1:"
            assert port.startswith(wanted), f"{name} publishes {port}"
        for volume in service.get("volumes", []):
            source = re.sub(r"^\$\{[A-Z_]+:-(.*?)\}", r"\1", volume).split(":")[0]
            if not source.startswith("."):
                assert source in file["volumes"], f"{name} mounts {source}"
            else:
                assert (REPOSITORY / source).exists(), f"{name} mounts {source}, which does not exist"
    pull = {name for name, service in services.items() if service.get("depends_on", {}).get("postgres")}
    assert {"gateway", "worker"} <= pull, "they start before Postgres"


def secrets_are_made():
    """scripts/secrets.sh writes each required variable, once, for its owner alone."""
    required = {name for name, rest in interpolations() if rest.startswith(":?")}
    others = {name for name, rest in interpolations() if not rest.startswith((":?", ":-"))}
    assert not others, f"neither required nor with a default: {others}"
    both = {name for name, rest in interpolations() if rest.startswith(":-")} & required
    assert not both, f"required, and with a default: {both}"
    script = REPOSITORY / "scripts/secrets.sh"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, ".env")
        # Even where files are readable by all.
        subprocess.run(["/bin/sh", "-c", f'umask 0; exec "{script}" "{file}"'], check=True, capture_output=True)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, oct(file.stat().st_mode)
        lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        made = dict(line.split("=", 1) for line in lines)
        assert made.keys() == required, f"made {made.keys() - required} for nothing; lacks {required - made.keys()}"
        assert len(set(made.values())) == len(made), "a secret is used twice"
        assert all(re.fullmatch(r"[0-9a-f]{64}", secret) for secret in made.values()), "a secret is too short"
        before = file.read_text()
        again = subprocess.run([script, file], capture_output=True)
        assert again.returncode != 0 and file.read_text() == before, "an existing file was changed"
        assert list(Path(folder).iterdir()) == [file], "something is left beside it"


def names_are_settings():
    """No file sets a variable that the server does not know."""
    known = settings()
    file = compose()
    for service in ("gateway", "worker"):
        unknown = file["services"][service]["environment"].keys() - known
        assert not unknown, f"{service} of compose: {unknown}"
    for document in manifests():
        if document["kind"] in ("ConfigMap", "Secret"):
            unknown = document.get("data", document.get("stringData")).keys() - known
            assert not unknown, f"{document['kind']} of Kubernetes: {unknown}"
    units = [*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.example")]
    for unit in units:
        text = unit.read_text()
        pattern = r"^#?([A-Z][A-Z_]+)=" if unit.suffix == ".example" else r"^Environment=([A-Z_]+)="
        names = set(re.findall(pattern, text, re.MULTILINE))
        assert names, f"{unit.name} sets nothing"
        assert names <= known, f"{unit.name}: {names - known}"
    named = set(re.findall(r"\bENV ([^\n]+)", (REPOSITORY / "Dockerfile").read_text()))
    names = {name for line in named for name in re.findall(r"\b([A-Z_]+)=", line)}
    assert names and names <= known, f"Dockerfile: {names - known}"


def manifests():
    for path in sorted(KUBERNETES.glob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from yaml.safe_load_all(path.read_text())


def schema_of_manifests():
    for document in manifests():
        for release in RELEASES:
            kubernetes_validate.validate(document, release, strict=True)
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    there = {path.name for path in KUBERNETES.glob("*.yaml")} - {"kustomization.yaml", "secret.example.yaml"}
    assert set(listed) == there, f"kustomization.yaml lists {listed}"


def selectors_match():
    """Services, budgets and policies select the pods that deployments make."""
    documents = list(manifests())
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in documents if one["kind"] == "Deployment"]
    assert len(pods) == 2, pods
    for one in documents:
        spec = one.get("spec", {})
        has_selector = one["kind"] in ("Service", "Deployment", "PodDisruptionBudget")
        selector = spec.get("selector" if has_selector else "podSelector")
        if selector:
            labels = selector.get("matchLabels", selector)
            assert any(labels.items() <= pod.items() for pod in pods), f"{one['kind']} selects {labels}"


def ends_are_waited_for():
    """Nobody kills a server that is still within its own bound."""
    bound = seconds("gateway/src/application.rs", r"END_WITHIN: Duration = ")
    file = compose()
    for name in ("gateway", "worker"):
        grace = int(file["services"][name]["stop_grace_period"].removesuffix("s"))
        assert grace > bound, f"{name} of compose: {grace} s"
    for unit in SYSTEMD.glob("*.service"):
        grace = int(re.search(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE)[1])
        assert grace > bound, f"{unit.name}: {grace} s"
    for one in manifests():
        if one["kind"] == "Deployment":
            pod = one["spec"]["template"]["spec"]
            before = pod["containers"][0].get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["", "0"])[1]
            assert pod["terminationGracePeriodSeconds"] > bound + int(before), one["metadata"]["name"]


def proxies_wait_for_heartbeats():
    heartbeat = seconds("gateway/config/src/settings/sockets.rs", r"heartbeat: ")
    script = (REPOSITORY / "deploy/nginx/start.sh").read_text()
    nginx = int(re.search(r"PROXY_TIMEOUT:=(\d+)s", script)[1])
    assert nginx > 2 * heartbeat, f"nginx: {nginx} s"
    for one in manifests():
        if one["kind"] == "Ingress":
            ingress = int(one["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-read-timeout"])
            assert ingress > 2 * heartbeat, f"{one['metadata']['name']}: {ingress} s"


def scripts_are_sound():
    scripts = [*REPOSITORY.glob("scripts/*.sh"), *REPOSITORY.glob("deploy/**/*.sh")]
    assert len(scripts) >= 2, scripts
    for script in scripts:
        assert os.access(script, os.X_OK), f"{script.name} is not executable"
        for shell in filter(shutil.which, ("sh", "dash", "bash")):
            subprocess.run([shell, "-n", script], check=True)
    subprocess.run([tool("shellcheck"), *scripts], check=True)


def rendered_by_nginx(**environment):
    """nginx accepts what its script makes of the template that compose mounts, with every setting of the script used."""
    mounted = compose()["services"]["nginx"]["volumes"]
    assert "./deploy/nginx/chatchit.conf.template:/deploy/chatchit.conf.template:ro" in mounted, mounted
    with tempfile.TemporaryDirectory() as state:
        environment = {"PATH": os.environ["PATH"], "STATE": state, "GATEWAYS": "127.0.0.1:8080 127.0.0.1:8081"} | environment
        script = REPOSITORY / "deploy/nginx/start.sh"
        made = subprocess.run([script, "whole"], env=environment, check=True, capture_output=True, text=True).stdout
        left = re.findall(r"\$\{[A-Z_]+\}", re.sub(r"#.*", "", made))
        assert not left, f"not replaced: {left}"
        file = Path(state, "nginx.conf")
        file.write_text(made)
        tried = subprocess.run(["nginx", "-t", "-c", file], capture_output=True, text=True)
        assert tried.returncode == 0, tried.stderr
        assert "[warn]" not in tried.stderr, tried.stderr


def units_are_sound():
    """systemd understands the units; the server's program is stood in for by one that exists."""
    with tempfile.TemporaryDirectory() as folder:
        for unit in [*SYSTEMD.glob("*.service"), *SYSTEMD.glob("*.timer")]:
            name = unit.name.replace("@.", "@8080.")
            Path(folder, name).write_text(unit.read_text().replace("/usr/local/bin/chatchit", "/bin/true"))
        units = sorted(Path(folder).iterdir())
        tried = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
        assert tried.returncode == 0 and not tried.stderr, tried.stderr


def run():
    check("the compose file fits its schema", schema_of_compose)
    check("services have limits, order, and ports of the loopback; what they mount exists", compose_is_whole)
    check("each required secret is made, once, and read by its owner alone", secrets_are_made)
    check("every variable is a setting of the server", names_are_settings)
    check(f"the manifests fit the schemas of Kubernetes {' and '.join(RELEASES)}", schema_of_manifests)
    check("selectors match pods", selectors_match)
    check("the server's end is waited for everywhere", ends_are_waited_for)
    check("proxies are more patient than heartbeats", proxies_wait_for_heartbeats)
    check("scripts are sound", scripts_are_sound)
    check("the Dockerfile is sound", lambda: subprocess.run([tool("hadolint"), REPOSITORY / "Dockerfile"], check=True))
    if shutil.which("nginx"):
        check("nginx accepts the file that compose mounts", rendered_by_nginx)
        check(
            "nginx accepts it with all settings",
            lambda: rendered_by_nginx(
                SERVER_NAME="chat.example www.chat.example", HTTPS_ONLY="on", PROXIES_IN_FRONT="10.0.0.0/8 ::1",
                LISTEN_ON="127.0.0.1",
            ),
        )
    if shutil.which("systemd-analyze"):
        check("systemd accepts the units", units_are_sound)
    else:
        print("systemd is not installed: its units are not checked")


if __name__ == "__main__":
    run()
    sys.exit(exit_code())
