"""`docker stack deploy` of the same file, on a real engine."""

import pytest

from tests.deploy.engine import Stack, docker, inside, inspect, is_ready, wait_until
from tests.deploy.load import Load

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

REPLICAS = 3


@pytest.fixture(scope="module")
def swarm(engine):
    """Make this engine a swarm of one machine, unless it is one already."""
    is_new = docker("info", "--format", "{{.Swarm.LocalNodeState}}") == "inactive"
    if is_new:
        docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    yield
    if is_new:
        docker("swarm", "leave", "--force")


@pytest.fixture(scope="module")
def images(image):
    """Two more images of the service: the next version, and one that does not start."""
    next_one = f"FROM {image}\nLABEL version=next\n"
    broken = f'FROM {image}\nCMD ["python", "-c", "raise SystemExit(1)"]\n'
    for tag, text in (("kobai:tests-next", next_one), ("kobai:tests-broken", broken)):
        docker("build", "--tag", tag, "-", text=text)
    return {"now": image, "next": "kobai:tests-next", "broken": "kobai:tests-broken"}


@pytest.fixture(scope="module")
def started(swarm, images):
    """The whole stack."""
    stack = Stack(images["now"], REPLICAS)
    stack.deploy()
    yield stack
    stack.down()


@pytest.fixture
def stack(started):
    """The stack with all its replicas, whatever the test before has done to it."""
    docker("service", "scale", "--detach", f"{started.name}_api={REPLICAS}")
    wait_until(lambda: started.running() == {"api": f"{REPLICAS}/{REPLICAS}", "proxy": "1/1"})
    wait_until(lambda: is_ready(started.port))
    return started


def roll_out(stack, image, until):
    """Deploy another image and wait until the update has ended."""
    before = inspect(f"{stack.name}_api", "UpdateStatus")
    stack.deploy(API_IMAGE=image)
    wait_until(
        lambda: inspect(f"{stack.name}_api", "UpdateStatus") != before and stack.update_state() == until, 180
    )


def test_a_replica_in_swarm_is_read_only_and_without_rights(stack):
    program = (
        "status = dict(line.split(':', 1) for line in open('/proc/1/status'))\n"
        "mounts = {line.split()[1]: line.split()[2:4] for line in open('/proc/mounts')}\n"
        "print(status['Uid'].split()[0], int(status['CapBnd'], 16), mounts['/'][1].split(',')[0])\n"
        "print(mounts['/run/kobai'][0], mounts['/tmp'][0])\n"
        "open('/run/kobai/written', 'w').close()\n"
        "open('/tmp/written', 'w').close()\n"
        "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))\n"
    )

    assert inside(stack.tasks()[0], program).splitlines() == ["10001 0 ro", "tmpfs tmpfs", "16384 16384"]


def test_every_replica_has_an_address_of_its_own_under_the_services_name(stack):
    program = "import socket; print(len({a[4] for a in socket.getaddrinfo('api', 8000, socket.AF_INET)}))"

    assert inside(stack.tasks()[0], program) == str(REPLICAS)


def test_a_rolling_update_under_load_fails_no_request(stack, images):
    target = images["next"] if stack.image() == images["now"] else images["now"]

    with Load(stack.port) as load:
        roll_out(stack, target, "completed")

    load.assert_all_answered()
    assert stack.image() == target
    assert {inspect(each, "Config.Image") for each in stack.tasks()} == {target}


def test_an_update_that_does_not_start_is_rolled_back_and_fails_no_request(stack, images):
    good = stack.image()

    with Load(stack.port) as load:
        roll_out(stack, images["broken"], "rollback_completed")

    load.assert_all_answered()
    assert stack.image() == good
    stack.environment["API_IMAGE"] = good


def test_killing_a_replica_in_swarm_under_load_fails_no_request(stack):
    with Load(stack.port) as load:
        docker("kill", stack.tasks()[0])

    load.assert_all_answered()


def test_scaling_in_swarm_under_load_fails_no_request(stack):
    with Load(stack.port) as load:
        docker("service", "scale", f"{stack.name}_api=1")
        load.wait_for(load.sent + 500)
        docker("service", "scale", f"{stack.name}_api={REPLICAS}")

    load.assert_all_answered()


def test_a_replica_that_was_killed_is_replaced(stack):
    victim = stack.tasks()[0]

    docker("kill", victim)

    wait_until(lambda: victim not in stack.tasks() and len(stack.tasks()) == REPLICAS)
    wait_until(lambda: stack.running()["api"] == f"{REPLICAS}/{REPLICAS}")
