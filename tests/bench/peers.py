"""What the benchmarks measure against, started for one run on loopback and ended after it."""

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time

POSTGRES_BIN = "/usr/lib/postgresql/15/bin"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=True, **options)


class Postgres:
    """Two servers: synchronous_commit=on, and a logical replica of the one table."""

    def __init__(self):
        # PostgreSQL refuses to run as root.
        self.as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self.directory = tempfile.mkdtemp(prefix="mec-pg-")
        if self.as_user:
            os.chown(self.directory, pwd.getpwnam("postgres").pw_uid, -1)
        self.ports = []

    def start(self):
        for name in ("primary", "replica"):
            self.start_server(os.path.join(self.directory, name))
        self.sql(0, "CREATE TABLE records (name text PRIMARY KEY, value text)")
        self.sql(1, "CREATE TABLE records (name text PRIMARY KEY, value text)")
        self.sql(0, "CREATE PUBLICATION all_records FOR TABLE records")
        self.sql(1, "CREATE SUBSCRIPTION copy CONNECTION 'host=127.0.0.1 port=%d user=postgres "
                    "dbname=postgres' PUBLICATION all_records" % self.ports[0])

    def start_server(self, data):
        port = free_port()
        self.ports.append(port)
        run(self.as_user + [POSTGRES_BIN + "/initdb", "-D", data, "-U", "postgres", "-A", "trust"])
        options = ("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
                   "-c wal_level=logical -c synchronous_commit=on -c shared_buffers=256MB" % port)
        run(self.as_user + [POSTGRES_BIN + "/pg_ctl", "-D", data, "-o", options, "-w", "-l",
                            data + ".log", "start"])

    def sql(self, which, statement):
        run([POSTGRES_BIN + "/psql", "-h", "127.0.0.1", "-p", str(self.ports[which]), "-U",
             "postgres", "-v", "ON_ERROR_STOP=1", "-c", statement])

    def writes_per_s(self, clients, seconds):
        script = os.path.join(self.directory, "upsert.sql")
        with open(script, "w") as file:
            file.write("\\set n random(1, 100000000)\n"
                       "INSERT INTO records VALUES ('k' || :n, repeat('x', 200)) "
                       "ON CONFLICT (name) DO UPDATE SET value = excluded.value;\n")
        os.chmod(self.directory, 0o755)
        done = run([POSTGRES_BIN + "/pgbench", "-h", "127.0.0.1", "-p", str(self.ports[0]), "-U",
                    "postgres", "-n", "-M", "prepared", "-f", script, "-c", str(clients), "-j", "1",
                    "-T", str(seconds), "postgres"])
        return float(re.search(r"tps = ([0-9.]+)", done.stdout).group(1))

    def stop(self):
        for name in ("replica", "primary"):
            with contextlib.suppress(subprocess.CalledProcessError):
                run(self.as_user + [POSTGRES_BIN + "/pg_ctl", "-D",
                                    os.path.join(self.directory, name), "-m", "immediate", "stop"])
        shutil.rmtree(self.directory, ignore_errors=True)


class Redis:
    """A primary with appendfsync always, and a replica."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="mec-redis-")
        self.processes = []

    def start(self):
        self.port = self.start_server("appendonly", ["--appendonly", "yes", "--appendfsync",
                                                     "always"])
        self.start_server("replica", ["--replicaof", "127.0.0.1", str(self.port)])
        time.sleep(1)

    def start_server(self, name, options):
        port = free_port()
        directory = os.path.join(self.directory, name)
        os.mkdir(directory)
        self.processes.append(subprocess.Popen(
            ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", directory,
             "--save", "", "--repl-diskless-sync-delay", "0"] + options,
            stdout=subprocess.DEVNULL))
        time.sleep(0.3)
        return port

    def writes_per_s(self, clients, seconds):
        done = run(["redis-benchmark", "-p", str(self.port), "-c", str(clients), "-n",
                    str(seconds * 30000), "-d", "200", "-r", "1000000", "-t", "set", "--csv"])
        return float(done.stdout.strip().splitlines()[-1].split(",")[1].strip('"'))

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)
